# ./dev bench: what an attach costs, and an agent that has nothing to do. Sourced by run.sh.
#
# Environment: BENCH_ATTACHES (default 20 fresh processes for each load), BENCH_IDLE (60 s).
# shellcheck shell=bash

# attach_to MODE: fresh processes of target-attachee in that mode
attach_to() {
	local mode=$1 round
	: >"$WORK/away"
	for ((round = 0; round < ${BENCH_ATTACHES:-20}; round++)); do
		rm -f "$WORK/to" "$WORK/from"
		mkfifo "$WORK/to" "$WORK/from"
		"$TARGET_BIN/target-attachee" "$mode" <"$WORK/to" >"$WORK/from" 2>/dev/null &
		PID=$!
		PIDS+=("$PID")
		# shellcheck disable=SC2034  # ends() closes it
		exec {TO}>"$WORK/to" {FROM}<"$WORK/from"
		ask check
		suture attach "$PID" --timeout 60s
		[ "$RC" -eq 0 ] || say "exit $RC: $(head -c 300 "$OUT")"
		jq -c '{borrowed_us, total_us, tries}' "$OUT" >>"$WORK/away"
		[ "$round" -lt $((${BENCH_ATTACHES:-20} - 1)) ] || return 0
		printf 'end\n' >&"$TO"
		ends
	done
}
figure_of() { jq ".$1" "$WORK/away" | figures; }

# Both of the process' own threads and the agent's: what /proc counts while nobody asks for anything.
wakeups() { awk '/ctxt_switches/ { sum += $2 } END { print sum }' /proc/"$1"/task/*/status; }

bench_attach() {
	local mode away total tries before rss file
	printf 'an attach, in fresh processes\n  %-34s %-30s %-30s %s\n' "" "a thread is away" "in all" "threads looked at"
	for mode in registers churn; do
		attach_to "$mode"
		away=$(figure_of borrowed_us) total=$(figure_of total_us) tries=$(figure_of tries)
		record ".attach.$mode" "$(jq -n --argjson away "$away" --argjson total "$total" --argjson tries "$tries" \
			'{borrowed_us: $away, total_us: $total, tries: $tries}')"
		printf '  %-34s %-30s %-30s %s\n' "$([ "$mode" = churn ] && echo "all processors saturated" || echo idle)" \
			"$(show "$away" us)" "$(show "$total" us)" "$(show "$tries" "")"
		[ "$mode" = registers ] || break
		suture status -p "$PID"
		rss=$(j .agent.rss) file=$(stat -L -c %s "$SUTURE_AGENT")
		before=$(wakeups "$PID")
		sleep "${BENCH_IDLE:-60}"
		before=$(($(wakeups "$PID") - before))
		record .agent "{\"rss\": $rss, \"file\": $file, \"wakeups\": $before, \"seconds\": ${BENCH_IDLE:-60}}"
		printf 'end\n' >&"$TO"
		ends
	done
	printf 'an agent with nothing to do\n'
	row "resident, of its library" "$((rss / 1024)) KiB"
	row "its file" "$((file / 1024)) KiB"
	row "wake-ups of the process" "$before in ${BENCH_IDLE:-60} s"
	printf 'end\n' >&"$TO"
	ends
}
