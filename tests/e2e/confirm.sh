#!/usr/bin/env bash
# A patch applied with --confirm-within takes itself out unless somebody confirms it: when the client
# was killed, when a thread is in the way, when it had replaced another, when the process forked.
# shellcheck source=lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

build_target_patch environment environment || { totals; exit 1; }
sed 's/kept + 50/kept + 70/' "$TARGETS/diffs/environment.diff" >"$WORK/other.diff"
sed 's/usleep(50000)/usleep(60000)/' "$TARGETS/environment.c" >"$WORK/second.c"
diff -u --label a/environment.c --label b/environment.c "$TARGETS/environment.c" "$WORK/second.c" >"$WORK/second.diff"
build_patch other "$TARGETS" "$TARGET_BIN/target-environment" "$WORK/other.diff" || { totals; exit 1; }

ENVIRONMENT=(SUTURE_EVENTS="$WORK/audit.jsonl")
target_with_agent environment
applied() { jq -e --arg name "$1" '[.patches[] | select(.state == "applied") | .name] == ($name | split(" "))' \
	<("$SUTURE" list -p "$PID" --json) >/dev/null; }
event() {       # event CONDITION: an event like that was recorded
	"$SUTURE" events -p "$PID" --json | jq -e "any(.events[]; $1)" >/dev/null
}

printf -- '-- confirmed\n'
step "apply" 0 '.changed and .confirm.state == "pending" and .confirm.left_us > 50000000' \
	apply "$WORK/environment.so" -p "$PID" --confirm-within 1m
says "patched" value 51
step "list tells the time" 0 '.patches[0].confirm.state == "pending" and (.patches[0].confirm.by | type) == "string"' list -p "$PID"
step "status too" 0 '.unconfirmed[0].name == "environment"' status -p "$PID"
"$SUTURE" list -p "$PID" >"$WORK/words"
check "in words" grep -q "^environment reverts itself in [0-9.]* s unless confirmed: suture confirm environment -p $PID\$" "$WORK/words"
step "no detach meanwhile" 5 '.error.code == "AGENT_BUSY"' detach "$PID"
step "a second apply does not set the clock anew" 0 '.changed == false and .confirm.within_us == 60000000' \
	apply "$WORK/environment.so" -p "$PID" --confirm-within 1h
step "confirm" 0 '.result == "confirmed" and .changed' confirm environment -p "$PID"
step "again" 0 '.changed == false' confirm environment -p "$PID"
step "nothing is left to confirm" 0 '.unconfirmed == []' status -p "$PID"
step "never applied" 4 '.error.code == "NOT_APPLIED"' confirm nonsense -p "$PID"
step "revert" 0 '.changed' revert environment -p "$PID"
step "what is out can't be confirmed" 4 '.error.code == "NOT_APPLIED"' confirm environment -p "$PID"

printf -- '-- the client is killed, nobody confirms\n'
# By what has happened, not by what is: on a slow machine the time may be over before it is asked for.
commits() { "$SUTURE" status -p "$PID" --json | jq .pauses.count; }
before=$(commits)
was_applied() { [ "$(commits)" -gt "$before" ]; }
"$SUTURE" apply "$WORK/environment.so" -p "$PID" --confirm-within 4s --wait >"$WORK/waits" 2>&1 &
WAITER=$!
PIDS+=("$WAITER")
until_true "the patch" was_applied
kill -KILL "$WAITER" 2>/dev/null
wait "$WAITER" 2>/dev/null
until_true "it takes itself out" applied ''
says "as it was" value 2
check "recorded, by the agent itself" event '.event == "confirm_timeout" and .result == "done" and .who == null and .name == "environment"'
step "too late" 6 '.error.code == "NOT_CONFIRMED"' confirm environment -p "$PID"

printf -- '-- for who waits\n'
step "not confirmed: 6" 6 '.error.code == "NOT_CONFIRMED"' \
	apply "$WORK/environment.so" -p "$PID" --confirm-within 300ms --wait
"$SUTURE" apply "$WORK/environment.so" -p "$PID" --confirm-within 60s --wait --json >"$WORK/waits" 2>/dev/null &
WAITER=$!
PIDS+=("$WAITER")
until_true "the patch" applied environment
step "confirmed by another" 0 '.changed' confirm environment -p "$PID"
wait "$WAITER"
is "then 0" 0 $?

printf -- '-- it had replaced another, which comes back\n'
step "replace" 0 '.changed and .confirm.state == "pending"' apply "$WORK/other.so" -p "$PID" --replace --confirm-within 1s
until_true "the one before" applied environment
says "its code too" value 51
build_patch second "$TARGETS" "$TARGET_BIN/target-environment" "$WORK/second.diff"
step "beside it one that changes something else" 0 '.changed' apply "$WORK/second.so" -p "$PID"
before=$(commits)
step "both replaced by one, which names them" 0 '.changed and (.replaced | sort) == ["environment", "second"]' apply "$WORK/other.so" -p "$PID" --replace --confirm-within 1s
until_true "both of them" applied "environment second"
is "in one commit, as they went" "$((before + 2))" "$(commits)"
says "the code of the first" value 51
says "the second does its work" signals "the waiter"
step "one of them goes" 0 '.changed' revert second -p "$PID"
step "replace again" 0 '.changed' apply "$WORK/other.so" -p "$PID" --replace --confirm-within 60s
says "the new one" value 71
step "by hand" 0 '.changed' revert other -p "$PID"
says "which does not bring it back" value 2
step "the clock is off" 0 '.unconfirmed == []' status -p "$PID"

printf -- '-- a child that is forked meanwhile\n'
step "apply" 0 '.changed' apply "$WORK/environment.so" -p "$PID" --confirm-within 6s
ask fork
CHILD=$ANSWER
until_true "the parent's" applied ''
child_reverted() { jq -e '.patches == []' <("$SUTURE" list -p "$CHILD" --json) >/dev/null; }
until_true "the child's" child_reverted
says "the child ran old code again" "done" 2

printf -- '-- who asked, in the file\n'
check "one JSON document a line" jq -e -s 'length > 10' "$WORK/audit.jsonl"
check "who and what" jq -e -s --argjson uid "$(id -u)" 'any(.[]; .event == "apply" and .result == "done"
	and .who.uid == $uid and (.who.command | test("suture apply .*environment.so")) and (.hash | length) == 64
	and .pause_us > 0 and .name == "environment")' "$WORK/audit.jsonl"
is "its mode" 640 "$(stat -c %a "$WORK/audit.jsonl")"
target_end

printf -- '-- a thread is in the way when the time is over\n'
build_target_patch busy busy
target_with_agent busy
step "apply" 0 '.changed' apply "$WORK/busy.so" -p "$PID" --confirm-within 8s
says "a thread goes in" enter in
check "it said so" until_true "a busy attempt" event '.event == "confirm_timeout" and .result == "BUSY_STACK"'
step "being taken out: can't be confirmed" 5 '.error.code == "AGENT_BUSY"' confirm busy -p "$PID"
step "list says so" 0 '.patches[0].confirm.state == "overdue" and .patches[0].confirm.attempts > 0' list -p "$PID"
says "it leaves" leave 2001
until_true "it is out" applied ''
says "as it was" value 1002
target_end

printf -- '-- several processes, one of which is confirmed\n'
ENVIRONMENT=()
build_target_patch prefork prefork
target_with_agent prefork 2
ask pids
read -r W1 _ <<<"$ANSWER"
step "apply to all" 0 '(.processes | length) == 3 and all(.processes[]; .confirm.state == "pending")' \
	apply "$WORK/prefork.so" --tree "$PID" --confirm-within 10s
step "confirm in one" 0 '.changed' confirm prefork -p "$W1"
two_out() { jq -e '[.processes[] | select(.patches == [])] | length == 2' <("$SUTURE" list --tree "$PID" --json) >/dev/null; }
until_true "the others' end" two_out
step "a row each, the worst counts" 6 '[.processes[] | select(.error.code == "NOT_CONFIRMED")] | length == 2' confirm prefork --tree "$PID"
step "apply to all" 0 '.processes | length == 3' apply "$WORK/prefork.so" --tree "$PID" --confirm-within 60s
step "confirm in all" 0 'all(.processes[]; .result == "confirmed")' confirm prefork --tree "$PID"
target_end
totals
