#!/usr/bin/env bash
# ./dev bench: what a patched call, a pause and a build of a patch cost. Prints tables, and writes all
# of it to BUILD_DIR/bench.json.
#
#   run.sh BUILD_DIR
#
# Environment: BENCH_ROUNDS (default 40 applies and reverts for each number of threads), BENCH_THREADS
# ("1 10 100 1000"), BENCH_REDIS=0 leaves redis out even where its sources are cached.
#
# All figures of one kind come from one run, so that they may be compared. Median, and in brackets the
# 5th and the 95th percentile. The noise is told first: what the machine does while nobody measures.
# shellcheck source=../e2e/lib.sh
BUILD_DIR=${1:?usage: run.sh BUILD_DIR}
. "$(dirname -- "${BASH_SOURCE[0]}")/../e2e/lib.sh"
ROUNDS=${BENCH_ROUNDS:-40}
THREADS=${BENCH_THREADS:-1 10 100 1000}
RESULT=$WORK/result.json
echo '{}' >"$RESULT"

# record PATH JSON: puts it into the result
record() {
	jq --argjson value "$2" "$1 = \$value" "$RESULT" >"$WORK/next.json" && mv "$WORK/next.json" "$RESULT"
}
# numbers, one a line → {"n", "median", "p5", "p95", "least", "most"}
figures() {
	jq -cs 'sort | length as $n | if $n == 0 then null else
		{n: $n, median: .[$n / 2 | floor], p5: .[$n * 0.05 | floor], p95: .[$n * 0.95 | floor],
		 least: .[0], most: .[-1]} end'
}
show() {        # JSON UNIT: "12.3 [10.1 .. 20.4] us"
	jq -r --arg unit "$2" 'if . == null then "-" else
		"\(.median * 100 | round / 100) [\(.p5 * 100 | round / 100) .. \(.p95 * 100 | round / 100)] \($unit)" end' <<<"$1"
}
row() { printf '  %-34s %s\n' "$1" "$2"; }
now_us() { echo "${EPOCHREALTIME/[.,]/}"; }
ends() { exec {TO}>&- {FROM}<&-; wait "$PID" 2>/dev/null; }

build_target_patch threads threads >"$WORK/build.log" || { cat "$WORK/build.log"; exit 1; }

# ---- the machine ---------------------------------------------------------------------------------

printf 'machine\n'
model=$(sed -n 's/^model name[[:space:]]*: //p' /proc/cpuinfo | head -n 1)
load=$(cut -d' ' -f1 /proc/loadavg)
record .machine "$(jq -n --arg cpu "$model" --arg kernel "$(uname -r)" --arg cpus "$(nproc)" --arg load "$load" \
	'{cpu: $cpu, kernel: $kernel, processors: ($cpus | tonumber), load: ($load | tonumber)}')"
row "processors, load at the start" "$(nproc) x $model, $load"
target_with_agent threads 1
ask gap
for _ in 1 2 3 4 5 6 7 8 9 10; do
	sleep 0.3
	ask gap
	echo "$ANSWER"
done >"$WORK/idle"
noise=$(figures <"$WORK/idle")
record .noise.tick_gap_us "$noise"
row "noise: longest gap of a 1 ms tick" "$(show "$noise" us) in 0.3 s"

# ---- a call --------------------------------------------------------------------------------------

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
ends

# ---- a pause -------------------------------------------------------------------------------------

printf 'apply and revert, %d times each\n' "$ROUNDS"
printf '  %8s %-30s %-30s %-30s %s\n' threads prepare pause "longest tick gap" rungs
for threads in $THREADS; do
	target_with_agent threads "$threads"
	ask gap
	truncate -s 0 "$WORK/answers" "$WORK/gaps"
	for ((round = 0; round < ROUNDS; round++)); do
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
if [ -x "$BUILD_DIR/bin/stop_bench" ]; then
	printf 'the stop alone (stop_bench)\n'
	"$BUILD_DIR/bin/stop_bench" 2>&1 | tee "$WORK/stop.txt" | sed 's/^/  /'
	[ -x "$BUILD_DIR/bin/many_bench" ] && "$BUILD_DIR/bin/many_bench" 2>&1 | tee -a "$WORK/stop.txt" | sed 's/^/  /'
	record .stop_bench "$(jq -Rs 'split("\n") | map(select(. != ""))' "$WORK/stop.txt")"
fi

# ---- a build -------------------------------------------------------------------------------------

printf 'a patch from a diff, against a full build with -j %d\n' "$(nproc)"
# build_times NAME: of five builds, in microseconds, into $WORK/times; cold ones compile everything
build_times() {
	local i from
	truncate -s 0 "$WORK/times"
	for i in 1 2 3 4 5; do
		[ "$1" = warm ] || rm -rf "$XDG_CACHE_HOME"
		from=$(now_us)
		suture build -C "$3" --source "$4" --binary "$5" -o "$WORK/bench.so" --name bench "$6"
		[ "$RC" -eq 0 ] || { say "$2: exit $RC: $(head -c 300 "$OUT")"; return 1; }
		echo $(($(now_us) - from)) >>"$WORK/times"
	done
	figures <"$WORK/times"
}
# share NAME FULL_US DATABASE SOURCE BINARY DIFF
share() {
	local name=$1 full=$2 cold warm
	shift 2
	cold=$(build_times cold "$name" "$@") && warm=$(build_times warm "$name" "$@") || return
	record ".build[\"$name\"]" "$(jq -n --argjson cold "$cold" --argjson warm "$warm" --argjson full "$full" \
		'{cold_us: $cold, warm_us: $warm, full_us: $full, share: ($cold.median / $full * 1000 | round / 1000)}')"
	row "$name, full build" "$((full / 1000)) ms"
	row "$name, patch" "$(show "$(jq -c 'map_values(. / 1000)' <<<"$cold")" ms), $(jq ".build[\"$name\"].share * 1000 | round / 10" "$RESULT") % of it"
	row "$name, patch, objects cached" "$(show "$(jq -c 'map_values(. / 1000)' <<<"$warm")" ms)"
}
cmake -S "$ARENA_SOURCE" -B "$WORK/arena" -G Ninja -DCMAKE_EXPORT_COMPILE_COMMANDS=ON >"$WORK/build.log" 2>&1 ||
	{ cat "$WORK/build.log"; exit 1; }
from=$(now_us)
cmake --build "$WORK/arena" --target arena-server >"$WORK/build.log" 2>&1 || { cat "$WORK/build.log"; exit 1; }
share arena $(($(now_us) - from)) "$WORK/arena" "$ARENA_SOURCE" "$WORK/arena/arena-server" \
	"$ARENA_SOURCE/diffs/coin-dup.diff"
if [ -d "${SUTURE_REAL_CACHE:-$HOME/.cache/suture-real}/redis" ] && [ "${BENCH_REDIS:-1}" != 0 ] &&
	"$ROOT/tests/real/redis/prepare.sh" "$WORK/redis" >"$WORK/build.log" 2>&1; then
	# shellcheck source=/dev/null
	. "$WORK/redis/env"
	diff=$(ls "$WORK"/redis/series/*-CVE-2024-51741/debian.diff)
	cp -a "$REDIS_TREE" "$WORK/redis-full"
	make -C "$WORK/redis-full" clean >/dev/null 2>&1
	from=$(now_us)
	make -C "$WORK/redis-full" -j "$(nproc)" >"$WORK/build.log" 2>&1
	share redis $(($(now_us) - from)) "$REDIS_TREE" "$REDIS_TREE" "$REDIS_SERVER" "$diff"
else
	row redis "not measured: its sources are not cached (./dev test real)"
fi

mv "$RESULT" "$BUILD_DIR/bench.json"
printf 'written to %s\n' "$BUILD_DIR/bench.json"
