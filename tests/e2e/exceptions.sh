#!/usr/bin/env bash
# C++ exceptions through patched functions: thrown below a C function in the middle (-fexceptions, with
# a cleanup) and caught above it; thrown and caught inside a patched C++ function, with destructors.
# shellcheck source=lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

middle() {      # ADDED
	says "nothing thrown" "through 4" "fine $((8 + $1)), cleaned 1"
	says "an exception passes" "through -3" "out below zero: -3, cleaned 1"
	says "an int passes" "through 100" "number 100, cleaned 1"
}
guarded() {     # WORD
	says "nothing thrown" "inside 4" "${1}fine 8, cleaned 10"
	says "caught inside" "inside -3" "${1}caught below zero: -3, cleaned 10"
	says "not caught inside" "inside 100" "number 100, cleaned 10"
	says "another thrown" "nested -3" "out ${1}again: below zero: -3, cleaned 10"
}

build_target_patch throws-middle throws || { totals; exit 1; }
target_with_agent throws
middle 1
step "apply to the C function" 0 '.changed == true' apply "$WORK/throws-middle.so" -p "$PID"
middle 1001
guarded ""
step "revert" 0 '.changed == true' revert throws-middle -p "$PID"
middle 1

# C++ is not among what the builder must take yet; where it refuses, it must say why.
suture build -C "$BUILD_DIR" --source "$TARGETS" --binary "$TARGET_BIN/target-throws" \
	-o "$WORK/throws-guarded.so" --name throws-guarded "$TARGETS/diffs/throws-guarded.diff"
if [ "$RC" -eq 0 ]; then
	pass "build of a C++ patch"
	guarded ""
	step "apply to the C++ function" 0 '.changed == true' apply "$WORK/throws-guarded.so" -p "$PID"
	guarded "patched "
	step "both at once" 0 '.changed == true' apply "$WORK/throws-middle.so" -p "$PID"
	middle 1001
	step "revert" 0 '.changed == true' revert throws-guarded -p "$PID"
	guarded ""
	step "revert" 0 '.changed == true' revert throws-middle -p "$PID"
	middle 1
else
	is "C++ is refused, exit code" 4 "$RC"
	check "with a reason" jq -e '(.refusals // [.error])[0].code | length > 0' "$OUT"
	printf '      %s\n' "$(jq -c '.refusals // .error' "$OUT")"
fi
target_end
totals
