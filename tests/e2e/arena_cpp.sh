#!/usr/bin/env bash
# C++ patched while it plays: the bots' moods, a virtual function and the template around it, which now throw. The
# exception passes from the patch's code to the handler in the program, in any number.
# shellcheck source=lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

build_patch bots-dreamy "$ARENA_SOURCE" "$ARENA_BOTS" "$ARENA_SOURCE/diffs/bots-dreamy.diff" || { totals; exit 1; }
"$ARENA_SERVER" --port 0 --port-file "$WORK/port" >"$WORK/server.out" 2>&1 &
PIDS+=("$!")
until_true "the port" test -s "$WORK/port" || exit 1
start bots "$ARENA_BOTS" --port "$(cat "$WORK/port")" --bots 60 --seconds 0 --pace-ms 20 --quiet --status "$WORK/status.json" \
	--json "$WORK/bots.json"
figure() { jq -r ".$1" "$WORK/status.json" 2>/dev/null || echo 0; }
asked() { [ "$(figure requests)" -ge "$1" ]; }
# percent: of what the bots might have asked in the next 2,000 requests, how much they dreamt away
percent() {
	local requests dreams
	requests=$(figure requests)
	dreams=$(figure dreams)
	until_true "2000 requests" asked $((requests + 2000))
	echo $((($(figure dreams) - dreams) * 100 / ($(figure requests) - requests)))
}
until_true "a status" test -s "$WORK/status.json"
before=$(percent)
check "few dream ($before %)" [ "$before" -lt 12 ]
step "apply" 0 .changed apply "$WORK/bots-dreamy.so" -p "$PID" --timeout 30s
after=$(percent)
check "many dream ($after %)" [ "$after" -gt 20 ]
step "revert" 0 .changed revert bots-dreamy -p "$PID" --timeout 30s
again=$(percent)
check "few dream ($again %)" [ "$again" -lt 12 ]
kill -INT "$PID"
wait "$PID"
is "the bots are content" 0 $?
check "nothing was wrong" jq -e '.wrong == 0 and .lost == 0' "$WORK/bots.json"
totals
