#!/usr/bin/env bash
# A process that ends, or becomes another program, in the middle of applies and reverts: it ends as it would have
# without us, and who asked for the patch gets an answer.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

ROUNDS=${LEAVING_ROUNDS:-3}
build_target_patch leaves leaves

# Applies and reverts until there is nobody any more. Prints the exit codes of suture that nobody should see.
pester() {      # PID
	local rc
	while alive "$1"; do
		for call in "apply $WORK/leaves.so" "revert leaves"; do
			# shellcheck disable=SC2086
			timeout --kill-after=5 60 "$SUTURE" $call -p "$1" -q >/dev/null 2>"$WORK/pester.err"
			rc=$?
			case $rc in
			0 | 3 | 4 | 5 | 8) ;; # 4: never applied; 8: it ended before the answer was complete
			*) echo "suture $call: exit $rc: $(tail -n 3 "$WORK/pester.err")" ;;
			esac
		done
	done
}

for how in return exit quick_exit _exit exec; do
	for ((round = 0; round < ROUNDS; round++)); do
		start leaves "$TARGET_BIN/target-leaves" "$how" $((300 + RANDOM % 400))
		until_true "main()" grep -q ready "$WORK/leaves.out"
		kill -USR1 "$PID"
		pester "$PID" >"$WORK/pester.txt" &
		pester=$!
		PIDS+=("$pester")
		wait "$PID"
		is "$how $round: it ends as it would have" 7 $?
		wait "$pester"
		is "$how $round: everybody got an answer" '' "$(cat "$WORK/pester.txt")"
	done
done

# A server that becomes itself again and again, each time with the agent: nobody at work for the one before stays,
# alive or dead, and its own waitpid(-1) never finds a child.
again() {
	LD_PRELOAD=$SUTURE_AGENT SUTURE_FOLLOW_EXEC=1 "$TARGET_BIN/target-leaves" again 1 $((ROUNDS * 5)) >"$WORK/again.out" 2>&1 </dev/null &
	PID=$!
	PIDS+=("$PID")
	pester "$PID" >"$WORK/pester.txt" &
	pester=$!
	PIDS+=("$pester")
	became_last() { [ "$(tr '\0' ' ' <"/proc/$PID/cmdline" | cut -d' ' -f4)" = 0 ]; }
	until_true "the last of them" became_last
	leftovers() { ps -o stat=,comm= --ppid "$PID" | grep -c '^Z'; }
	none_left() { [ "$(leftovers)" = 0 ]; }
	until_true "the dead to be buried" none_left
	kill -USR1 "$PID"
	wait "$PID"
	is "again: it never saw a child" 7 $?
	wait "$pester"
	is "again: everybody got an answer" '' "$(cat "$WORK/pester.txt")"
}
again
totals
