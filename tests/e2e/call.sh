#!/usr/bin/env bash
# Commands of the application: the arena's price table reloaded while players buy. Checked first, swapped at
# the safe point; a broken file changes nothing, and says why.
# shellcheck source=lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

arena_start
crown() {       # what a crown costs in the shop
	exec {GAME}<>"/dev/tcp/127.0.0.1/$PORT"
	printf 'shop\nquit\n' >&"$GAME"
	sed -n 's/^| crown //p' <&"$GAME"
	exec {GAME}>&-
}
table() { printf '%s\n' '# name,price' "potion,$1" torch,11 shield,31 sword,47 "crown,$2" >"$WORK/$3"; }

"$ARENA_BOTS" --port "$PORT" --bots 40 --seconds 0 --pace-ms 10 --quiet --json "$WORK/bots.json" >"$WORK/bots.out" 2>&1 &
BOTS=$!
PIDS+=("$BOTS")
is "as it was built" 250 "$(crown)"
# A thread takes part from its first tick on.
ticking() { [ "$("$ARENA_BOTS" stats --port "$PORT" | jq .ticks)" -gt 4 ]; }
until_true "all threads to tick" ticking
table 7 300 good.csv
step "reload" 0 '.result == "called" and .threads == 3 and (.answer | test("good.csv"))' call reload-prices "$WORK/good.csv" -p "$PID"
is "the new price" 300 "$(crown)"
for i in $(seq 40); do
	# Dearer each time: a bot that paid is content with a shop that asks at least as much.
	table $((7 + i)) $((300 + i)) again.csv
	suture call reload-prices "$WORK/again.csv" -p "$PID"
	[ "$RC" -eq 0 ] || fail "reload $i: exit $RC"
done
is "after forty more" 340 "$(crown)"

printf -- '-- broken tables change nothing\n'
broken() {      # TEXT PATTERN
	step "$1" 4 ".error.code == \"COMMAND_FAILED\" and (.error.message | test(\"$2\"))" call reload-prices "$WORK/bad.csv" -p "$PID"
}
echo 'potion,1' >"$WORK/bad.csv"; broken "an item is missing" "has no price"
table 7 300 bad.csv; echo 'wand,5' >>"$WORK/bad.csv"; broken "an unknown item" "line 7: wand is not sold"
table 7 300 bad.csv; echo 'potion,5' >>"$WORK/bad.csv"; broken "an item twice" "there twice"
table 7 -1 bad.csv; broken "no price" "no price"
table 7 300x bad.csv; broken "no number" "no price"
head -c 3000 /dev/urandom >"$WORK/bad.csv"; broken "noise" "line 1"
rm "$WORK/bad.csv"; broken "no file" "No such file"
is "the price is as before" 340 "$(crown)"

printf -- '-- what makes no sense\n'
step "no argument" 4 '.error.message | test("usage: reload-prices FILE")' call reload-prices -p "$PID"
step "unknown command" 4 '.error.code == "UNSUPPORTED" and (.error.next | test("reload-prices"))' call reload-maps x -p "$PID"
step "no command" 2 '.error.code == "USAGE"' call -p "$PID"
# shellcheck disable=SC2046
step "too many arguments" 2 '.error.code == "USAGE"' call reload-prices $(seq 40) -p "$PID"
"$SUTURE" call reload-prices "$WORK/good.csv" -p "$PID" >"$WORK/words" 2>&1
is "in words" "prices of $WORK/good.csv are in force" "$(cat "$WORK/words")"
step "it is in the record" 0 'any(.events[]; .event == "call" and .name == "reload-prices" and .result == "done")' events -p "$PID"

kill -INT "$BOTS"
wait "$BOTS"
is "the bots are content" 0 $?
check "and saw prices change" jq -e '.wrong == 0 and .lost == 0 and .price_changes > 0' "$WORK/bots.json"

printf -- '-- a program that registers nothing\n'
target_with_agent busy
step "says what to do" 4 '.error.next | test("suture_command_register")' call reload x -p "$PID"
target_end

printf -- '-- a thread that does not come to the safe point\n'
target_with_agent ticks
step "all come" 0 '.result == "called" and .answer == "1"' call count -p "$PID" --timeout 60s
says "one stalls" stall stalled
step "named, and not done" 5 '.error.code == "TIMEOUT"' call count -p "$PID" --timeout 1s
says "it did not run" counted 1
says "it comes again" come coming
step "done" 0 '.result == "called" and .answer == "2"' call count -p "$PID" --timeout 60s
target_end
totals
