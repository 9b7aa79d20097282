#!/usr/bin/env bash
# What people and scripts see: help of every command, tables of 80 columns, colour on terminals only, quiet
# and verbose; and the JSON documents have the members that docs/PROTOCOL.md names.
# shellcheck source=lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

need script
unset NO_COLOR
export TERM=xterm LC_ALL=C.UTF-8
ESC=$(printf '\033')
widest() { awk '{ if (length($0) > most) most = length($0) } END { print most + 0 }' "$1"; }
narrow() { check "$1: at most 80 columns" test "$(widest "$2")" -le 80; }

printf -- '-- help\n'
"$SUTURE" help >"$WORK/help"
narrow help "$WORK/help"
mapfile -t COMMANDS < <("$SUTURE" help --json | jq -r '.commands[].name')
check "all commands of the contract are there" test ${#COMMANDS[@]} -ge 19
for command in "${COMMANDS[@]}"; do
	"$SUTURE" help "$command" >"$WORK/one" 2>&1
	is "help $command" 0 $?
	narrow "help $command" "$WORK/one"
	[ "$command" = build ] || [ "$command" = help ] || {
		"$SUTURE" "$command" --help >"$WORK/two" 2>&1
		check "$command --help is the same" cmp -s "$WORK/one" "$WORK/two"
		step "$command: an unknown option" 2 '.error.code == "USAGE" and (.error.message | test("--no-such"))' "$command" --no-such-option
	}
	check "help names $command" grep -q "^  $command " "$WORK/help"
done
for wrong in aply lst stauts confrim evnets; do
	suture "$wrong"
	check "$wrong: a suggestion" jq -e '.error.next | startswith("did you mean")' "$OUT"
done

printf -- '-- words\n'
LONG=a-name-of-sixty-four-letters-is-what-a-patch-may-have-at-the-most
LONG=${LONG:0:64}
build_patch "$LONG" "$TARGETS" "$TARGET_BIN/target-environment" "$TARGETS/diffs/environment.diff" || { totals; exit 1; }
target_with_agent environment
terminal() {    # as on a terminal, with colour if any; leaves $WORK/seen
	script -qec "$(printf '%q ' "$SUTURE" "$@")" /dev/null </dev/null >"$WORK/seen" 2>&1
}
colour() { if grep -q "$ESC\[3" "$1"; then echo yes; else echo no; fi; }
"$SUTURE" apply "$WORK/$LONG.so" -p "$PID" >"$WORK/words" 2>&1
is "no colour in a file" no "$(colour "$WORK/words")"
for command in list status threads events metrics ps; do
	# shellcheck disable=SC2046  # ps takes no target
	COLUMNS=80 "$SUTURE" "$command" $([ "$command" = ps ] || echo "-p $PID") >"$WORK/words" 2>&1
	is "$command" 0 $?
	[ "$command" = metrics ] || [ "$command" = status ] || narrow "$command" "$WORK/words"
done
# A log that is cut says half of it.
"$SUTURE" ps >"$WORK/words"
check "ps into a file: the whole path" grep -q " $(readlink -f "/proc/$PID/exe")\$" "$WORK/words"
"$SUTURE" list -p "$PID" >"$WORK/words"
check "list into a file: the whole name" grep -q " $LONG " "$WORK/words"
# shellcheck disable=SC2016
sh -c 'env SUTURE_DISABLE=1 sleep 600 & echo $!; exec sleep 600' >"$WORK/below" &
FAMILY=$!
PIDS+=("$FAMILY")
both() { [ -s "$WORK/below" ] && [ "$(cat "/proc/$FAMILY/comm" "/proc/$(cat "$WORK/below")/comm" | uniq)" = sleep ]; }
until_true "two of a family" both
PIDS+=("$(cat "$WORK/below")")
"$SUTURE" attach --tree "$FAMILY" >"$WORK/words" 2>&1
check "a family into a file: the whole reason" grep -q "sleep (pid $(cat "$WORK/below")) was started with SUTURE_DISABLE=1\$" "$WORK/words"
COLUMNS=60 "$SUTURE" attach --tree "$FAMILY" >"$WORK/words" 2>&1
is "in few columns it goes on in the next line" "" "$(awk '!/^  next/ && length($0) > 60' "$WORK/words")"
matches "and is whole" "*wasstartedwithSUTURE_DISABLE=1*" "$(tr -d ' \n' <"$WORK/words")"
kill "$(cat "$WORK/below")" "$FAMILY"
"$SUTURE" revert "$LONG" -p "$PID" --color=always >"$WORK/words" 2>&1
is "--color=always" yes "$(colour "$WORK/words")"
terminal apply "$WORK/$LONG.so" -p "$PID"
is "on a terminal" yes "$(colour "$WORK/seen")"
terminal revert "$LONG" -p "$PID" --color=never
is "--color=never" no "$(colour "$WORK/seen")"
export NO_COLOR=1
terminal apply "$WORK/$LONG.so" -p "$PID"
is "NO_COLOR" no "$(colour "$WORK/seen")"
unset NO_COLOR
"$SUTURE" revert "$LONG" -p "$PID" -q >"$WORK/words" 2>&1
is "quiet: nothing" 0 "$(wc -c <"$WORK/words")"
is "--color is one of three" 2 "$("$SUTURE" list -p "$PID" --color=blue >/dev/null 2>&1; echo $?)"

printf -- '-- once a second\n'
timeout 100 "$SUTURE" status --watch -p "$PID" --json >"$WORK/seconds" 2>/dev/null &
PIDS+=("$!")
several() { jq -e -s 'length >= 2 and all(.[]; .pid > 0)' "$WORK/seconds" >/dev/null 2>&1; }
check "more than one document" until_true "a second one" several
stop_pid $!
timeout 100 "$SUTURE" events -f -p "$PID" --json >"$WORK/followed" 2>/dev/null &
FOLLOWER=$!
PIDS+=("$FOLLOWER")
until_true "what was" test -s "$WORK/followed"

printf -- '-- documents\n'
numbers='[.threads, .attempts, .functions, .prepare_us, .pause_us, .total_us] | all(type == "number")'
step apply 0 ".result == \"applied\" and .changed == true and .pid == $PID and (.name | type) == \"string\" and (.rung | IN(\"lazy\", \"full\", \"safepoint\")) and ($numbers)" \
	apply "$WORK/$LONG.so" -p "$PID"
step check 0 '.result == "ok" and (.functions | all(has("name") and has("tier")) or . == []) and .refusals == [] and .blockers == []' check "$WORK/$LONG.so" -p "$PID"
step list 0 '.patches[0] | has("name") and has("hash") and .state == "applied" and .order >= 1 and (.functions | type) == "array" and (.applied_at | fromdateiso8601) > 0 and has("calls") and has("scope") and has("confirm")' list -p "$PID"
step status 0 '(.exe | type) == "string" and (.build_id | test("^[0-9a-f]+$")) and (.agent | has("version") and has("rss") and (.rungs | length) > 0) and .patches == 1 and (.pauses | has("count") and has("p50_us") and has("p99_us") and has("max_us")) and has("retired_bytes") and has("shadow")' status -p "$PID"
step ps 0 ".processes | any(.pid == $PID and .agent == true and (.socket | type) == \"string\" and .patches == 1 and has(\"exe\") and has(\"build_id\"))" ps
step info 0 '(.functions | length) == 1 and has("signature") and .signature == null and (.modules[0] | has("build_id"))' info "$WORK/$LONG.so"
step events 0 '.events[-1] | .event == "check" and (.at | test("^[0-9T:.-]+Z$")) and .result == "done" and (.who | has("uid") and has("pid") and has("command"))' events -p "$PID" --last 1
step "several processes" 0 '.processes | length == 1' list --tree "$PID"
step revert 0 ".result == \"reverted\" and .changed and ($numbers)" revert "$LONG" -p "$PID"
followed() { jq -e -s 'any(.[]; .event == "revert" and .result == "done")' "$WORK/followed" >/dev/null; }
check "events -f saw it" until_true "the event" followed
stop_pid "$FOLLOWER"
target_end
totals
