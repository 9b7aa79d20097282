#!/usr/bin/env bash
# Entries that the compiler prepared (-fpatchable-function-entry=N,M: N nops, M of them in front of the
# entry): the padding is what the jump goes into, and nothing of the function itself has to move.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

entry_bytes() {  # EXE FUNCTION: the first 16 bytes in hexadecimal
	objdump -d --no-addresses --disassemble="$2" "$1" | awk -F'\t' '/^\t/ { gsub(/ /, "", $2); printf "%s", $2 }' | head -c 32
}

try() {         # COMPILER FLAG…
	local compiler=$1 name dir
	shift
	name=$(basename "$compiler")$(printf '%s' "$*" | tr -c '0-9\n' -)
	dir=$WORK/$name
	CC=$compiler small_project "$dir" target-calls -O2 -g -pthread "$@" -- calls.c
	DATABASE=$dir build_patch "calls" "$TARGETS" "$dir/target-calls" "$TARGETS/diffs/calls.diff" || return
	step "$name: every function has a jump that fits" 0 '.unpatchable == []' check --all-functions "$dir/target-calls"
	TARGET_BIN=$dir target_with_agent calls
	until_true 'calls' old_answers
	until_true "$name: a moment for check" checked
	is "$name: check names the tier" '[{"name":"answer","tier":"plain"}]' "$(j -c '.functions | map({name, tier})')"
	step "$name: apply" 0 '.result == "applied"' apply "$WORK/calls.so" -p "$PID"
	says "$name: new code" now new
	step "$name: revert" 0 '.result == "reverted"' revert calls -p "$PID"
	says "$name: old code" now old
	ask counts
	matches "$name: nobody got anything else" '*wrong 0' "$ANSWER"
	is "$name: the bytes are as they were" "$(entry_bytes "$dir/target-calls" answer)" \
		"$(running_bytes "$dir/target-calls" answer)"
	target_end
}
checked() { suture check "$WORK/calls.so" -p "$PID"; [ "$RC" -eq 0 ]; }
old_answers() { ask counts; [[ $ANSWER != old\ 0\ * ]]; }
running_bytes() {
	local at
	at=$(function_address "$PID" "$1" "$2")
	dd if="/proc/$PID/mem" iflag=skip_bytes,count_bytes bs=16 skip=$((16#$at)) count=16 2>/dev/null | od -An -v -tx1 | tr -d ' \n'
}

try "${CC:-cc}" -fpatchable-function-entry=5
try "${CC:-cc}" -fpatchable-function-entry=16,11
try "${CC:-cc}" -fpatchable-function-entry=5 -fcf-protection=full
if command -v clang >/dev/null 2>&1; then
	try clang -fpatchable-function-entry=5,2
	try clang -fpatchable-function-entry=16
fi
totals
