#!/usr/bin/env bash
# Attaches to fresh processes whose threads allocate, load libraries, throw, take signals, and start and end
# threads all the time: nobody crashes, hangs or sees an error, an EINTR without a signal, or other registers.
# ATTACHES=N for more of them.
# shellcheck source=lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

ATTACHES=${ATTACHES:-48}
AWAY=()
# It has used a processor for a while: what it sets up is done.
spins() { [ "$(awk '{ print $14 }' "/proc/$PID/stat" 2>/dev/null)" -ge 2 ]; }
bad() {
	fail "$1 (round $i, $mode)"
	head -c 1000 "$OUT"
	tail -n 5 "$WORK/attachee.err"
}
for ((i = 0; i < ATTACHES; i++)); do
	modes=(churn storm waits signals registers)
	! grep -qw avx2 /proc/cpuinfo || modes+=(vectors)
	mode=${modes[i % ${#modes[@]}]}
	rm -f "$WORK/to" "$WORK/from"
	mkfifo "$WORK/to" "$WORK/from" || die "no pipe"
	"$TARGET_BIN/target-attachee" "$mode" <"$WORK/to" >"$WORK/from" 2>"$WORK/attachee.err" &
	PID=$!
	PIDS+=("$PID")
	exec {TO}>"$WORK/to" {FROM}<"$WORK/from"
	if [ "$mode" = vectors ]; then
		until_true "its registers" spins || continue
	else
		ask call
	fi
	suture attach "$PID" --timeout 60s
	[ "$RC" -eq 0 ] || bad "attach: exit $RC"
	AWAY+=("$(j .borrowed_us)")
	[ "$mode" = vectors ] || ask check
	[ "$ANSWER" = 0 ] || [ "$mode" = vectors ] || bad "complaints: $ANSWER"
	suture status -p "$PID"
	[ "$RC" -eq 0 ] || bad "status: exit $RC"
	if [ "$mode" = vectors ]; then kill -USR1 "$PID"; else printf 'end\n' >&"$TO"; fi
	exec {TO}>&- {FROM}<&-
	wait "$PID" || bad "its end: $?"
done
[ "$FAILED" -ne 0 ] || pass "$ATTACHES attaches"
printf 'a thread was away for %s us (median)\n' "$(printf '%s\n' "${AWAY[@]}" | sort -n | sed -n "$((ATTACHES / 2 + 1))p")"
totals
