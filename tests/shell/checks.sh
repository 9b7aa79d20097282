# What a script found, one line each, and the count that a test runner reads at the end; sourced, never run.
# shellcheck shell=bash

PASSED=0
FAILED=0
FAILURES=()

say() { printf '%s\n' "$*" >&2; }
die() { say "$(basename "$0"): $*"; exit 1; }

pass() { PASSED=$((PASSED + 1)); printf 'PASS  %s\n' "$*"; }
fail() { FAILED=$((FAILED + 1)); FAILURES+=("$*"); printf 'FAIL  %s\n' "$*"; }
check() {       # check TEXT COMMAND…: the command's status decides
	local text=$1
	shift
	if "$@" >/dev/null; then pass "$text"; else fail "$text"; fi
}
is() {          # is TEXT EXPECTED GOT
	if [ "$2" = "$3" ]; then pass "$1: $3"; else fail "$1: expected $2, got $3"; fi
}
matches() {     # matches TEXT PATTERN GOT; a pattern of the shell
	# shellcheck disable=SC2053
	if [[ $3 == $2 ]]; then pass "$1: $3"; else fail "$1: expected $2, got $3"; fi
}
# Says again what failed: of a long output often only the end is kept.
totals() {
	[ "$FAILED" -eq 0 ] || printf 'failed: %s\n' "${FAILURES[@]}"
	printf '%d checks passed, %d failed\n' "$PASSED" "$FAILED"
	[ "$FAILED" -eq 0 ]
}
