#!/usr/bin/env bash
# A server that names its safe points: --at safepoint commits there, says so, waits for nobody who has
# left, and serves where ptrace is refused, which without it is an error that says what to allow.
# shellcheck source=lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

build_target_patch ticks ticks || { totals; exit 1; }

at_safepoint() {
	step "apply at the safe point" 0 '.changed == true and .rung == "safepoint"' \
		apply "$WORK/ticks.so" -p "$PID" --at safepoint --timeout 60s
	says "patched" value 101
	step "revert at the safe point" 0 '.changed == true and .rung == "safepoint"' \
		revert ticks -p "$PID" --at safepoint --timeout 60s
	says "as it was" value 2
}
goes_on() {
	local before
	ask ticks
	before=$ANSWER
	ticked() { ask ticks && [ "$ANSWER" -gt "$before" ]; }
	check "it ticks on" until_true "a tick" ticked
}

printf -- '-- without an agent a safe point is nothing\n'
"$TARGET_BIN/target-ticks" <<<"value" >"$WORK/alone"
is "it runs" 2 "$(cat "$WORK/alone")"

printf -- '-- as usual\n'
target_with_agent ticks
at_safepoint
says "one leaves" leave left
at_safepoint
says "and comes back" back back
at_safepoint
goes_on

printf -- '-- a process that is not dumpable\n'
says "hides" hide 0
step "apply, or what to allow" "$([ "$(id -u)" = 0 ] && echo 0 || echo 7)" \
	'.changed == true or (.error.next | test("dumpable"))' apply "$WORK/ticks.so" -p "$PID"
step "revert" 0 '.result == "reverted"' revert ticks -p "$PID" --at safepoint --timeout 60s
at_safepoint
target_end

printf -- '-- a thread that somebody traces\n'
target_with_agent ticks
ask trace
if [ "$ANSWER" = 0 ]; then
	say "no tracing here"
else
	step "says who" 7 '.error.code == "PERMISSION" and (.error.message | test("traced by"))' \
		apply "$WORK/ticks.so" -p "$PID" --timeout 1s --strict
	at_safepoint
fi
target_end

printf -- '-- ptrace refused by seccomp\n'
target_with_agent ticks
says "a filter" deny 0
step "says what to allow" 7 '.error.code == "PERMISSION" and (.error.next | test("seccomp"))' \
	apply "$WORK/ticks.so" -p "$PID" --timeout 1s --strict
says "nothing changed" value 2
at_safepoint
goes_on
target_end

printf -- '-- a server that has none\n'
build_target_patch busy busy || { totals; exit 1; }
target_with_agent busy
step "needs a safe point" 4 '.error.code == "NEEDS_SAFEPOINT"' apply "$WORK/busy.so" -p "$PID" --at safepoint

printf -- '-- threads\n'
# It has said that it is in, and may be on its way to sleep.
is_there() {    # THREAD STATE
	suture threads -p "$PID" --patch "$WORK/busy.so"
	jq -e "any(.threads[]; .thread == \"$1\" and .state == \"$2\")" "$OUT" >/dev/null
}
until_true "the sitter asleep" is_there sitter asleep
step "threads" 0 '[.threads[] | select(.thread == "sitter" and .state == "asleep")] | length == 1' threads -p "$PID"
step "nobody in the way" 0 'all(.threads[]; .blocks == false)' threads -p "$PID" --patch "$WORK/busy.so"
says "the sitter goes in" enter in
step "the sitter is in the way" 0 'any(.threads[]; .thread == "sitter" and .blocks and .function == "sit_inside"
	and any(.backtrace[]; test("wait_until_unwanted")))' threads -p "$PID" --patch "$WORK/busy.so"
"$SUTURE" threads -p "$PID" --patch "$WORK/busy.so" -v >"$WORK/words" 2>&1
is "in words: exit code" 0 $?
for word in sitter sit_inside wait_until_unwanted "1 of"; do
	check "in words: $word" grep -q "$word" "$WORK/words"
done
step "a bad file" 4 '.error.code == "BAD_PATCH_FILE"' threads -p "$PID" --patch "$SUTURE"
says "leaves" leave 1001
# who COMMAND THREAD STATE RETURNED: one that is inside in another way is shown as well, and check tells of it
who() {
	says "one goes in: $1" "$1" in
	until_true "$2 $3" is_there "$2" "$3"
	step "$1: in the way" 0 "[.threads[] | select(.blocks and .thread == \"$2\" and .state == \"$3\"
		and .function == \"sit_inside\" and any(.backtrace[]; test(\"sit_inside\")))] | length == 1" \
		threads -p "$PID" --patch "$WORK/busy.so"
	step "$1: check" 5 '.error.code == "BUSY_STACK"' check "$WORK/busy.so" -p "$PID"
	says "leaves: $1" leave "$4"
}
who spin sitter running 1002
who signal sitter asleep 1003
who fiber fiber asleep 1004
step "nobody in the way any more" 0 'all(.threads[]; .blocks == false)' threads -p "$PID" --patch "$WORK/busy.so"
target_end
totals
