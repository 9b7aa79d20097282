#!/bin/bash
# The arena: 30 bots play for three seconds, find no wrong answer, lose nobody, and each bug that
# the sample diffs fix is there to be found. Otherwise every test that patches the arena is void.
#
# ARENA_SERVER, ARENA_BOTS: the programs. Exit code 0 passed, 1 failed, 77 skipped.
set -u

fail() {
	echo "FAIL: $*" >&2
	exit 1
}

for program in "${ARENA_SERVER:-}" "${ARENA_BOTS:-}"; do
	if [ ! -x "$program" ]; then
		echo "SKIP: ARENA_SERVER and ARENA_BOTS have to name the two programs"
		exit 77
	fi
done

work=$(mktemp -d) || exit 1
server=
clean_up() {
	[ -z "$server" ] || kill "$server" 2>/dev/null
	rm -rf "$work"
}
trap clean_up EXIT

# The value of a number in the bots' report.
figure() {
	sed -n "s/.*[{,]\"$1\":\([0-9][0-9]*\).*/\1/p" "$work/report.json"
}

"$ARENA_SERVER" --port 0 --port-file "$work/port" >"$work/server.log" 2>&1 &
server=$!
for _ in $(seq 1200); do
	[ -s "$work/port" ] && break
	sleep 0.1
done
[ -s "$work/port" ] || fail "the server doesn't start: $(cat "$work/server.log")"
port=$(cat "$work/port")

"$ARENA_BOTS" --port "$port" --bots 30 --seconds 3 --json "$work/report.json" \
	--status "$work/status.json" || fail "the bots are not content"
[ "$(figure wrong)" = 0 ] || fail "wrong answers: $(cat "$work/report.json")"
[ "$(figure lost)" = 0 ] || fail "players were lost"
[ "$(figure players)" = 30 ] || fail "not all players stayed to the end"
for activity in steps trades requests seen; do
	[ "$(figure $activity)" -gt 0 ] || fail "no $activity: the bots didn't play"
done
[ "$(figure duplicated)" = 0 ] || fail "honest play duplicated coin"
grep -q '"positions":\[{' "$work/status.json" || fail "the status shows nobody"

for bug in coin-dup pathing trade-limit leaderboard-ties; do
	"$ARENA_BOTS" probe "$bug" --port "$port" || fail "probe $bug: exit code $?, not 0 (present)"
done

kill -TERM "$server"
wait "$server"
code=$?
server=
[ "$code" = 0 ] || fail "the server ended with $code: $(cat "$work/server.log")"
echo "PASS"
