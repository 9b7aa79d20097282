# ./dev bench: what a call costs by each way to a replacement, and memory. Sourced by run.sh.
# shellcheck shell=bash

bench_calls() {
	local old new ratio rest
	target_with_agent threads 1
	printf 'a call, in turns in one process\n'
	truncate -s 0 "$WORK/old" "$WORK/new"
	for _ in 1 2 3 4 5 6 7 8 9; do
		ask 'cost 11'
		echo "${ANSWER%% *}" >>"$WORK/old"
		suture apply "$WORK/threads.so" -p "$PID"
		ask 'cost 11'
		echo "${ANSWER%% *}" >>"$WORK/new"
		suture revert threads -p "$PID"
	done
	old=$(figures <"$WORK/old")
	new=$(figures <"$WORK/new")
	ratio=$(jq -n --argjson old "$old" --argjson new "$new" '$new.median / $old.median * 1000 | round / 1000')
	record .call.unpatched_ns "$old"
	record .call.patched_ns "$new"
	record .call.ratio "$ratio"
	row "unpatched" "$(show "$old" ns)"
	row "patched" "$(show "$new" ns)"
	row "ratio of the medians" "$ratio"
	suture status -p "$PID"
	rest=$(j .agent.rss)
	record .memory.agent_rss_at_rest "$rest"
	row "memory of the agent, resident" "$((rest / 1024)) KiB"
	ends
	if [ -x "$BUILD_DIR/bin/many_bench" ]; then
		"$BUILD_DIR/bin/many_bench" 1 2>&1 | grep -E '^(apply|memory)' | tee "$WORK/many.txt" | sed 's/^/  /'
		record .memory.functions "$(jq -Rs 'split("\n") | map(select(. != ""))' "$WORK/many.txt")"
	fi
	[ -x "$BUILD_DIR/bin/calls_bench" ] || return 0
	printf 'a call by each way, in turns in one process; in brackets the quartiles (calls_bench)\n'
	"$BUILD_DIR/bin/calls_bench" >"$WORK/calls.json" && record .call.ways "$(cat "$WORK/calls.json")"
	jq -r 'def thousandths: . * 1000 | round / 1000; to_entries[] | .key as $size | .value | to_entries[] |
		"  \($size)\t\(.key)\t\(.value.median | thousandths) ns\tx\(.value.ratio | "\(.median | thousandths) [\(.p25 | thousandths) .. \(.p75 | thousandths)]")"' \
		"$WORK/calls.json" | column -t -s $'\t'
}
