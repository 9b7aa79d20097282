#!/usr/bin/env bash
# One source compiled twice in one build, with different flags, for two programs: the patch for each
# is made from the compilation that is in it.
# shellcheck source=lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

small_project "$WORK/tree" target-first -D_GNU_SOURCE "-I$ROOT/include" -g -O2 -- busy.c
small_project "$WORK/tree" target-second -D_GNU_SOURCE "-I$ROOT/include" -g -O1 -fno-pie -no-pie -- busy.c
TARGET_BIN=$WORK/tree
for which in first second; do
	printf -- '-- %s\n' "$which"
	DATABASE=$WORK/tree build_target_patch busy "$which" || continue
	target_with_agent "$which"
	says "old" value 1001
	step "apply" 0 '.changed == true' apply "$WORK/busy.so" -p "$PID"
	says "new" value 2002
	step "revert" 0 '.changed == true' revert busy -p "$PID"
	says "old again" value 1003
	target_end
done
totals
