# Shared by the tests of real programs; sourced, never run. HERE is the script's, its folder.
# Rule: whatever a script starts is entered in PIDS at once, and cleanup() ends those and no others.
# shellcheck shell=bash disable=SC2034

PIDS=()
WORK=

say() { printf '%s\n' "$*" >&2; }
die() { say "$(basename "$0"): $*"; exit 1; }

# 77 is "could not be tried here". Where the test must run, SUTURE_REAL_REQUIRE=1 makes it a failure.
skip() {
	say "SKIP: $*"
	[ -z "${SUTURE_REAL_REQUIRE:-}" ] || exit 1
	exit 77
}

need() {
	local tool missing=
	for tool in "$@"; do
		command -v "$tool" >/dev/null 2>&1 || missing="$missing $tool"
	done
	[ -z "$missing" ] || skip "missing tools:$missing (Debian packages: $HERE/packages)"
}

# What we started gets TERM, two seconds, then KILL. The number of a child that was waited for may
# belong to somebody else by now: only a process whose parent is this shell is touched.
stop_pid() {
	local pid=$1 i
	grep -q "^PPid:[[:space:]]*$$\$" "/proc/$pid/status" 2>/dev/null || return 0
	kill -TERM "$pid" 2>/dev/null
	kill -CONT "$pid" 2>/dev/null
	for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
		kill -0 "$pid" 2>/dev/null || break
		sleep 0.1
	done
	[ "$i" -lt 20 ] || kill -KILL "$pid" 2>/dev/null
	wait "$pid" 2>/dev/null
}

# end_of PID SECONDS: waits for a child's own end; CODE is its status, or "alive". (CODE is the caller's.)
end_of() {
	local i state=
	CODE=alive
	for ((i = 0; i < $2 * 20; i++)); do
		state=$(sed -n 's/^State:[[:space:]]*\(.\).*/\1/p' "/proc/$1/status" 2>/dev/null)
		case $state in
		'' | Z)
			wait "$1"
			CODE=$?
			return
			;;
		esac
		sleep 0.05
	done
}
alive() { kill -0 "$1" 2>/dev/null; }

cleanup() {
	local pid
	trap - EXIT INT TERM HUP
	for pid in "${PIDS[@]}"; do
		stop_pid "$pid"
	done
	[ -z "$WORK" ] || [ -n "${SUTURE_REAL_KEEP:-}" ] || rm -rf "$WORK"
}

# A private folder, removed at the end (SUTURE_REAL_KEEP=1 keeps it for a look afterwards).
make_work() {
	WORK=$(mktemp -d "${TMPDIR:-/tmp}/suture-real.XXXXXX") || die "no temporary folder"
	trap 'cleanup' EXIT     # keeps the exit status that it was called with
	trap 'exit 130' INT
	trap 'exit 143' TERM HUP
}

# One line per step, and the count that a test runner reads at the end.
PASSED=0
FAILED=0
pass() { PASSED=$((PASSED + 1)); printf 'PASS  %s\n' "$*"; }
fail() { FAILED=$((FAILED + 1)); printf 'FAIL  %s\n' "$*"; }
check() {   # check TEXT COMMAND…: the command's status decides
	local text=$1
	shift
	if "$@"; then pass "$text"; else fail "$text"; fi
}
is() {      # is TEXT EXPECTED GOT
	if [ "$2" = "$3" ]; then pass "$1: $3"; else fail "$1: expected $2, got $3"; fi
}
totals() {
	printf '%d passed, %d failed\n' "$PASSED" "$FAILED"
	[ "$FAILED" -eq 0 ]
}
