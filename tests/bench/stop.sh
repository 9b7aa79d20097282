# ./dev bench: what players feel of an apply, for numbers of threads; the stop alone, on each rung; a thousand
# functions in one patch; and cycles under load. Sourced by run.sh, whose environment it takes.
#
# BENCH_ONLY=stop ./dev bench && tests/bench/pause_svg.py build/bench.json >docs/pause.svg draws the graph anew.
# shellcheck shell=bash

bench_applies() {
	local rounds=${BENCH_ROUNDS:-40} seconds=${BENCH_SECONDS:-60} until threads round call prepare pause gaps rungs

	printf 'apply and revert, %d times each, or for %d s\n' "$rounds" "$seconds"
	printf '  %8s %-30s %-30s %-30s %s\n' threads prepare pause "longest tick gap" rungs
	for threads in ${BENCH_THREADS:-1 10 100 1000}; do
		target_with_agent threads "$threads"
		ask gap
		truncate -s 0 "$WORK/answers" "$WORK/gaps"
		# A thousand threads that come and go take a processor by themselves: all takes its time there.
		until=$((SECONDS + seconds))
		for ((round = 0; round < rounds && SECONDS < until; round++)); do
			for call in "apply $WORK/threads.so" "revert threads"; do
				ask gap
				# shellcheck disable=SC2086  # a verb and its argument
				suture $call -p "$PID" --timeout 60s
				[ "$RC" -eq 0 ] || say "exit $RC: $(head -c 300 "$OUT")"
				ask gap
				echo "$ANSWER" >>"$WORK/gaps"
				cat "$OUT" >>"$WORK/answers"
			done
		done
		prepare=$(jq 'select(.changed) | .prepare_us' "$WORK/answers" | figures)
		pause=$(jq 'select(.changed) | .pause_us' "$WORK/answers" | figures)
		gaps=$(figures <"$WORK/gaps")
		rungs=$(jq -cs 'map(select(.changed) | .rung) | group_by(.) | map({key: .[0], value: length}) | from_entries' "$WORK/answers")
		record ".pause[\"$threads\"]" "$(jq -n --argjson prepare "$prepare" --argjson pause "$pause" --argjson gap "$gaps" \
			--argjson rungs "$rungs" '{prepare_us: $prepare, pause_us: $pause, tick_gap_us: $gap, rungs: $rungs}')"
		printf '  %8s %-30s %-30s %-30s %s\n' "$threads" "$(show "$prepare" us)" "$(show "$pause" us)" "$(show "$gaps" us)" "$rungs"
		ends
	done
}

bench_stop_alone() {
	[ -x "$BUILD_DIR/bin/stop_bench" ] || return 0
	printf 'the stop alone (stop_bench), and a thousand functions in one patch (many_bench)\n'
	"$BUILD_DIR/bin/stop_bench" 50 10 100 1000 4000 2>&1 | tee "$WORK/stop.txt" | sed 's/^/  /'
	"$BUILD_DIR/bin/many_bench" 2>&1 | tee -a "$WORK/stop.txt" | sed 's/^/  /'
	# Cycles under a mixed load; bounded to ten minutes.
	[ "${BENCH_STRESS:-}" = 0 ] || "$BUILD_DIR/bin/unit_agent_stress" "${BENCH_STRESS:-100000}" 600 2>&1 |
		grep -E 'cycles|ERROR|FAILED' | tee -a "$WORK/stop.txt" | sed 's/^/  /'
	record .stop_bench "$(jq -Rs 'split("\n") | map(select(. != ""))' "$WORK/stop.txt")"
}

bench_stop() {
	bench_applies
	bench_stop_alone
}
