#!/usr/bin/env bash
# A thread that sits inside the function to be replaced: apply waits until its deadline, changes
# nothing, and says who sits where; once it has left, the same call succeeds. The same on revert.
# shellcheck source=lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

build_target_patch busy busy || { totals; exit 1; }
target_with_agent busy
EXE=$TARGET_BIN/target-busy
TEXT=$(text_hash "$PID" "$EXE")

# What `build -p` says of who may never come out.
looked() {      # PID: the notes of a build that looks at it
	build_patch looked "$TARGETS" "$EXE" "$TARGETS/diffs/busy.diff" -p "$1"
	j '.notes | join(" ")'
}

says "nobody inside" value 1001
matches "ps: its number, its name, its agent" "*$PID target-busy yes *" "$("$SUTURE" ps | tr -s ' ')"
is "build: nobody stays" "" "$(looked "$PID" | grep 'may never return')"
says "the sitter goes in" enter in
matches "build: the sitter stays" "*sit_inside may never return: thread * (sitter) of pid $PID was in it at each*" "$(looked "$PID")"
matches "build: this shell has no agent" "*pid $$ was not looked at: *" "$(looked $$)"
suture build -C "$BUILD_DIR" --binary "$EXE" -p 0 "$TARGETS/diffs/busy.diff"
is "build: no process 0" 2 "$RC"
step "busy: 5, with thread, function and backtrace" 5 '.error.code == "BUSY_STACK"
	and any(.error.blockers[]; .thread == "sitter" and (.tid | type) == "number"
		and .function == "sit_inside" and any(.backtrace[]; test("sit_inside"))
		and any(.backtrace[]; test("wait_until_unwanted")))' \
	apply "$WORK/busy.so" -p "$PID" --timeout 700ms
is "nothing changed" "$TEXT" "$(text_hash "$PID" "$EXE")"
step "check says who is in the way" 5 '.result == "busy" and any(.blockers[]; .thread == "sitter")
	or .error.code == "BUSY_STACK"' check "$WORK/busy.so" -p "$PID"
step "list is empty" 0 '.patches == []' list -p "$PID"

"$SUTURE" apply "$WORK/busy.so" -p "$PID" --timeout 300ms >"$WORK/words" 2>&1
is "in words: exit code" 5 $?
for word in sitter sit_inside wait_until_unwanted BUSY_STACK; do
	check "in words: $word" grep -q "$word" "$WORK/words"
done

# one that waits for the sitter and gets its turn
timeout 300 "$SUTURE" apply "$WORK/busy.so" -p "$PID" --timeout 120s --json >"$WORK/patient.json" 2>"$WORK/patient.err" &
PATIENT=$!
PIDS+=("$PATIENT")
at_work() { suture revert nobody -p "$PID" --timeout 10ms; [ "$(j .error.code)" = AGENT_BUSY ]; }
until_true "the agent at work" at_work
sleep 0.5
check "it has not given up" alive "$PATIENT"
says "leaves with the old answer" leave 1002
wait "$PATIENT"
is "the patient apply's exit code" 0 $?
is "the patient apply" "applied true" "$(jq -r '"\(.result) \(.changed)"' "$WORK/patient.json")"
printf '      %s attempts\n' "$(jq .attempts "$WORK/patient.json")"
says "patched" value 2003

says "the sitter goes into the new one" enter in
step "revert is busy: 5" 5 '.error.code == "BUSY_STACK" and any(.error.blockers[]; .thread == "sitter")' \
	revert busy -p "$PID" --timeout 700ms
step "still applied" 0 '[.patches[] | select(.state == "applied") | .name] == ["busy"]' list -p "$PID"
says "leaves with the new answer" leave 2004
step "revert" 0 '.result == "reverted" and .changed == true' revert busy -p "$PID"
says "as it was" value 1005
is "code as it was" "$TEXT" "$(text_hash "$PID" "$EXE")"
target_end

# A program whose stacks nobody can see through: another try would end the same way.
TARGET_BIN=$WORK/blind
small_project "$TARGET_BIN" target-busy -O2 -D_GNU_SOURCE "-I$ROOT/include" -fno-asynchronous-unwind-tables -- busy.c
DATABASE=$TARGET_BIN build_patch blind "$TARGETS" "$TARGET_BIN/target-busy" "$TARGETS/diffs/busy.diff"
target_with_agent busy
step "no unwind tables: 5, and why no patience helps" 5 '.error.code == "BUSY_STACK"
	and (.error.message | test("without usable unwind information: .*target-busy"))
	and (.error.next | test("-fno-asynchronous-unwind-tables"))' apply "$WORK/blind.so" -p "$PID" --timeout 300ms
says "it runs on" value 1001
target_end
totals
