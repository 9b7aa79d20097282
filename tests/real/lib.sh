# Shared by the tests of real programs; sourced, never run. HERE is the script's, its folder.
# Rule: whatever a script starts is entered in PIDS at once, and cleanup() ends those and no others.
# shellcheck shell=bash disable=SC2034

WORK=
SHELL_PARTS=$(CDPATH='' cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../shell" && pwd -P)
# shellcheck source=../shell/processes.sh
. "$SHELL_PARTS/processes.sh"
# shellcheck source=../shell/checks.sh
. "$SHELL_PARTS/checks.sh"

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

cleanup() {
	trap - EXIT INT TERM HUP
	stop_all
	[ -z "$WORK" ] || [ -n "${SUTURE_REAL_KEEP:-}" ] || rm -rf "$WORK"
}

# A private folder, removed at the end (SUTURE_REAL_KEEP=1 keeps it for a look afterwards).
make_work() {
	WORK=$(mktemp -d "${TMPDIR:-/tmp}/suture-real.XXXXXX") || die "no temporary folder"
	trap 'cleanup' EXIT     # keeps the exit status that it was called with
	trap 'exit 130' INT
	trap 'exit 143' TERM HUP
}
