#!/usr/bin/env bash
# Runs the fuzzers of a build folder, each for a bounded number of executions.
#   run.sh BUILD_DIR [EXECUTIONS] [NAME...]
# SUTURE_FUZZ_SEED chooses the inputs; without it they are others each time.
# New inputs go to BUILD_DIR/fuzz/NAME, findings to BUILD_DIR/fuzz/NAME-findings. Exit 1 on a finding.
set -u
HERE=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
BUILD=${1:?build folder}
RUNS=${2:-200000}
shift
[ $# -eq 0 ] || shift
failed=0
for fuzzer in "$BUILD"/bin/fuzz_*; do
	name=${fuzzer##*/fuzz_}
	if [ $# -gt 0 ] && [[ " $* " != *" $name "* ]]; then
		continue
	fi
	mkdir -p "$BUILD/fuzz/$name" "$BUILD/fuzz/$name-findings"
	dict=() seeds=() length=4096
	[ -d "$HERE/corpus/$name" ] && seeds+=("$HERE/corpus/$name")
	# Seeds that the build made are files of some size: room for one and as much again.
	[ -d "$BUILD/fuzz-seeds/$name" ] && seeds+=("$BUILD/fuzz-seeds/$name")
	for seed in "$BUILD/fuzz-seeds/$name"/*; do
		[ -f "$seed" ] || continue
		size=$((2 * $(stat -c %s "$seed")))
		[ "$size" -le "$length" ] || length=$size
	done
	[ -f "$HERE/$name.dict" ] && dict=(-dict="$HERE/$name.dict")
	# What agents answer is made of the same words.
	[ "$name" = reply ] && dict=(-dict="$HERE/rpc.dict")
	if "$fuzzer" -seed="${SUTURE_FUZZ_SEED:-0}" -runs="$RUNS" -max_len="$length" -timeout=120 -rss_limit_mb=1024 -print_final_stats=1 \
		"${dict[@]}" -artifact_prefix="$BUILD/fuzz/$name-findings/" \
		"$BUILD/fuzz/$name" "${seeds[@]}" >"$BUILD/fuzz/$name.log" 2>&1; then
		printf 'fuzz/%s: %s executions, no finding\n' "$name" \
			"$(sed -n 's/^stat::number_of_executed_units: *//p' "$BUILD/fuzz/$name.log")"
	else
		printf 'fuzz/%s: FINDING, see %s\n' "$name" "$BUILD/fuzz/$name.log"
		failed=1
	fi
done
exit $failed
