#!/usr/bin/env bash
# ./dev bench: what a patched call, a pause, an attach and a build of a patch cost. Prints tables, and writes all
# of it to BUILD_DIR/bench.json.
#
#   run.sh BUILD_DIR
#
# Environment: BENCH_ROUNDS (default 40 applies and reverts for each number of threads, or as many as go into
# BENCH_SECONDS, 60), BENCH_THREADS ("1 10 100 1000"), BENCH_STRESS (100000 cycles under load, for ten minutes
# at most; 0: none), BENCH_BUILD_ROUNDS (5 builds of each kind), BENCH_REDIS=0 leaves redis out even where its sources are cached,
# BENCH_ALL_UNITS=0 and BENCH_SERIES=0 the long parts of it; BENCH_ONLY=builds, commands, calls, stop or
# attach (two minutes) the rest. BENCH_COVERAGE=1 or BENCH_ONLY=coverage: which functions of real programs a jump fits (see there).
#
# All figures of one kind come from one run, so that they may be compared. Median, and in brackets the
# 5th and the 95th percentile. The noise is told first: what the machine does while nobody measures.
# shellcheck source=../e2e/lib.sh
BUILD_DIR=${1:?usage: run.sh BUILD_DIR}
. "$(dirname -- "${BASH_SOURCE[0]}")/../e2e/lib.sh"
# shellcheck source=operate.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/operate.sh"
# shellcheck source=stop.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/stop.sh"
# shellcheck source=builds.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/builds.sh"
# shellcheck source=attach.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/attach.sh"
# shellcheck source=calls.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/calls.sh"
# shellcheck source=coverage.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/coverage.sh"
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

write_down() {
	mv "$RESULT" "$BUILD_DIR/bench.json"
	printf 'written to %s\n' "$BUILD_DIR/bench.json"
	exit 0
}
finish() {
	[ -z "${BENCH_COVERAGE:-}" ] || bench_coverage
	printf 'a patch from a diff, against a full build\n'
	bench_builds
	write_down
}
[ "${BENCH_ONLY:-}" != builds ] || { ends; finish; }
ends
if [ "${BENCH_ONLY:-}" = stop ]; then
	bench_stop
	write_down
elif [ "${BENCH_ONLY:-}" = calls ]; then
	bench_calls
	write_down
elif [ "${BENCH_ONLY:-}" = attach ]; then
	bench_attach
	write_down
elif [ "${BENCH_ONLY:-}" = coverage ]; then
	bench_coverage
	write_down
fi

# ---- what an operator waits for ------------------------------------------------------------------

printf 'commands, on a process with one thread\n'
bench_operate
[ "${BENCH_ONLY:-}" != commands ] || write_down

# ---- a call -------------------------------------------------------------------------------------

bench_calls

# ---- a choice ------------------------------------------------------------------------------------

if [ -x "$BUILD_DIR/bin/scope_bench" ]; then
	printf 'a call through the choice of a scoped patch (scope_bench)\n'
	"$BUILD_DIR/bin/scope_bench" >"$WORK/scope.json" && record .scope "$(cat "$WORK/scope.json")"
	jq -r 'to_entries[] | select(.value | type == "object") |
		"  \(.key): unpatched \(.value.unpatched_ns) ns, to the old code x \(.value.old_ratio), to the new x \(.value.new_ratio)"' "$WORK/scope.json"
	row "enter and leave a scope" "$(jq .enter_and_leave_ns "$WORK/scope.json") ns"
fi

# ---- a pause -------------------------------------------------------------------------------------

bench_stop

# ---- an attach -----------------------------------------------------------------------------------

bench_attach

# ---- a build -------------------------------------------------------------------------------------

finish
