#!/usr/bin/env bash
# Clients that mean ill, while the arena plays: an honest client is served, nothing is kept that was
# not asked for, and the ticks go on. The gaps are said; they decide nothing.
# shellcheck source=lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

HOSTILE=${HOSTILE:-$BUILD_DIR/bin/hostile}
[ -x "$HOSTILE" ] || skip "no $HOSTILE"
arena_start
# shellcheck disable=SC2153  # lib.sh sets PID
SOCKET=$("$SUTURE" ps --json | jq -r ".processes[] | select(.pid == $PID) | .socket")
check "its socket" test -S "$SOCKET"

descriptors() { find "/proc/$PID/fd" -lname 'socket:*' | wc -l; }
resident() { awk '/^VmRSS:/ { print $2 }' "/proc/$PID/status"; }
stats() { "$ARENA_BOTS" stats --port "$PORT" "$@"; }
# attack NAME MODE [N]: it stays until cease
attack() {
	rm -f "$WORK/hold"
	mkfifo "$WORK/hold"
	stats --reset >/dev/null
	TICKS=$(stats | jq .ticks)
	"$HOSTILE" "$SOCKET" "$2" ${3+"$3"} <"$WORK/hold" >"$WORK/attack.txt" 2>&1 &
	ATTACK=$!
	PIDS+=("$ATTACK")
	exec {HOLD}>"$WORK/hold"
	until_true "$1 at work" grep -q ready "$WORK/attack.txt"
}
cease() {
	exec {HOLD}>&-
	wait "$ATTACK"
}
honest() {      # NAME: five requests are answered
	local i good=0
	for ((i = 0; i < 5; i++)); do
		suture status -p "$PID"
		# "Busy" asks for another try: on a machine with no time left even an answer may take seconds.
		[ "$RC" -ne 5 ] || suture status -p "$PID"
		if [ "$RC" -eq 0 ]; then
			good=$((good + 1))
		else
			head -c 500 "$OUT"
		fi
		sleep 0.2
	done
	is "$1: honest requests that were answered" 5 "$good"
	stats >"$WORK/stats.json"
	check "$1: ticks went on" test "$(jq .ticks "$WORK/stats.json")" -gt "$TICKS"
	printf '      longest gap between ticks: %s us; %s KiB resident, %s sockets\n' "$(jq .gap_max_us "$WORK/stats.json")" \
		"$(resident)" "$(descriptors)"
}
stats --reset >/dev/null
sleep 1
printf '      at rest: longest gap %s us; %s KiB resident, %s sockets\n' "$(stats | jq .gap_max_us)" "$(resident)" "$(descriptors)"
BEFORE=$(resident)
OPENED=$(find "/proc/$PID/fd" -type l | wc -l)

attack "a thousand silent" silent 1000
honest "a thousand silent"
check "no more than 64 are kept" test "$(descriptors)" -le 80
cease
attack "silent ones that come again" again 200
honest "silent ones that come again"
cease
attack "half requests" half 200
honest "half requests"
cease
attack "readers that never read" deaf 200
honest "readers that never read"
cease
attack "100 MB in one line" flood
honest "100 MB in one line"
wait "$ATTACK"
check "it was hung up on" grep -qE '^sent [0-9]{1,7} of 104857600' "$WORK/attack.txt"
cease
attack "deep nesting" deep
honest "deep nesting"
wait "$ATTACK"
check "it was hung up on, or told" grep -qE '"code":-32700|^sent' "$WORK/attack.txt"
cease
attack "cut off in the middle" churn 2000
honest "cut off in the middle"
cease
attack "descriptors by the hundred" fds 200
honest "descriptors by the hundred"
cease
check "they were sent" grep -qE '^ready, [1-9][0-9]* sent' "$WORK/attack.txt"
opened() { find "/proc/$PID/fd" -type l | wc -l; }
none_kept() { [ "$(opened)" -le "$OPENED" ]; }
check "and none of them is kept" until_true "the descriptors" none_kept
settled() { [ "$(descriptors)" -le 16 ]; }
until_true "all of them gone" settled
check "nothing is kept of them: under 32 MiB more" test $(($(resident) - BEFORE)) -lt 32768
build_patch coin-dup "$ARENA_SOURCE" "$ARENA_SERVER" "$ARENA_SOURCE/diffs/coin-dup.diff"
step "and a patch goes in" 0 '.changed' apply "$WORK/coin-dup.so" -p "$PID"
totals
