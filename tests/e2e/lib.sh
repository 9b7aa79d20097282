# Shared by the scenarios; sourced, never run.
#
# From CMake: SUTURE SUTURE_BUILD SUTURE_AGENT (what is tested), BUILD_DIR (its compile_commands.json),
# ARENA_SERVER ARENA_BOTS ARENA_SOURCE, TARGETS (sources of the small targets) TARGET_BIN (built), CC.
# SUTURE_TEST_KEEP=1 keeps the temporary folder.
#
# Rule: whatever a scenario starts is entered in PIDS at once, and cleanup() ends those and no others.
# shellcheck shell=bash disable=SC2034

set -u
umask 022
WORK=
SHELL_PARTS=$(CDPATH='' cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../shell" && pwd -P)
# shellcheck source=../shell/processes.sh
. "$SHELL_PARTS/processes.sh"
# shellcheck source=../shell/checks.sh
. "$SHELL_PARTS/checks.sh"

skip() { printf 'SKIP: %s\n' "$*"; exit 77; }
need() {
	local tool
	for tool in "$@"; do
		command -v "$tool" >/dev/null 2>&1 || skip "no $tool here"
	done
}

ROOT=$(CDPATH='' cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." && pwd -P)
BUILD_DIR=${BUILD_DIR:-$ROOT/build}
SUTURE=${SUTURE:-$BUILD_DIR/bin/suture}
SUTURE_AGENT=${SUTURE_AGENT:-$BUILD_DIR/lib/libsuture.so}
ARENA_SERVER=${ARENA_SERVER:-$BUILD_DIR/bin/arena-server}
ARENA_BOTS=${ARENA_BOTS:-$BUILD_DIR/bin/arena-bots}
ARENA_SOURCE=${ARENA_SOURCE:-$ROOT/patches/arena}
TARGETS=${TARGETS:-$ROOT/tests/targets}
TARGET_BIN=${TARGET_BIN:-$BUILD_DIR/bin}
[ -x "$SUTURE" ] || die "no suture at $SUTURE"
[ -f "$SUTURE_AGENT" ] || die "no agent at $SUTURE_AGENT"
# The agent must not come into the shell or the compiler; nor another test's socket.
unset LD_PRELOAD SUTURE_SOCKET SUTURE_DIR SUTURE_DISABLE SUTURE_LOG
need jq

# ---- its folder, and what it waits for ------------------------------------------------------------

cleanup() {
	trap - EXIT INT TERM HUP
	stop_all
	[ -z "$WORK" ] || [ -n "${SUTURE_TEST_KEEP:-}" ] || rm -rf "$WORK"
}

WORK=$(mktemp -d "${TMPDIR:-/tmp}/suture-e2e.XXXXXX") || die "no temporary folder"
# The builder's cache of objects: our own, so that each run compiles. Sockets go where they go by
# default; a user who has no place for them gets one.
export XDG_CACHE_HOME=$WORK/cache
if [ "$(id -u)" -ne 0 ] && [ -z "${XDG_RUNTIME_DIR:-}" ]; then
	mkdir -m 700 "$WORK/run"
	export XDG_RUNTIME_DIR=$WORK/run
fi
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# until_true TEXT COMMAND…: waits for it; gives up after a minute, which no machine needs.
until_true() {
	local text=$1 i
	shift
	for ((i = 0; i < 600; i++)); do
		"$@" && return 0
		sleep 0.1
	done
	fail "waited in vain for $text"
	return 1
}

# ---- suture --------------------------------------------------------------------------------------

# shellcheck source=../shell/suture.sh
. "$SHELL_PARTS/suture.sh"

# build_patch NAME SOURCE_DIR BINARY DIFF [OPTION…]: leaves $WORK/NAME.so. DATABASE may name another
# folder with a compile_commands.json.
build_patch() {
	local name=$1 source=$2 binary=$3 diff=$4
	shift 4
	step "build $name" 0 '.result == "patch" and (.functions | length) > 0' build -C "${DATABASE:-$BUILD_DIR}" \
		--source "$source" --binary "$binary" -o "$WORK/$name.so" --name "$name" "$@" "$diff"
}
build_target_patch() {  # NAME TARGET [OPTION…]: from tests/targets/diffs/NAME.diff
	local name=$1 target=$2
	shift 2
	build_patch "$name" "$TARGETS" "$TARGET_BIN/target-$target" "$TARGETS/diffs/$name.diff" "$@"
}

# small_project DIR EXE FLAG… -- SOURCE…: a program of tests/targets, compiled here and linked to EXE in
# DIR, and its commands added to DIR/compile_commands.json.
small_project() {
	local dir=$1 exe=$2 flags=() source object objects=()
	shift 2
	while [ "$1" != -- ]; do
		flags+=("$1")
		shift
	done
	shift
	mkdir -p "$dir/$exe.objects"
	[ -f "$dir/compile_commands.json" ] || echo '[]' >"$dir/compile_commands.json"
	for source in "$@"; do
		object=$exe.objects/$source.o
		(cd "$dir" && "${CC:-cc}" "${flags[@]}" -o "$object" -c "$TARGETS/$source") || die "cannot compile $source"
		objects+=("$dir/$object")
		jq --arg dir "$dir" --arg file "$TARGETS/$source" --arg output "$object" \
			--arg command "${CC:-cc} ${flags[*]} -o $object -c $TARGETS/$source" \
			'. + [{directory: $dir, command: $command, file: $file, output: $output}]' \
			"$dir/compile_commands.json" >"$dir/more.json" || die "cannot write compile_commands.json"
		mv "$dir/more.json" "$dir/compile_commands.json"
	done
	"${CC:-cc}" "${flags[@]}" -pthread -o "$dir/$exe" "${objects[@]}" || die "cannot link $exe"
}

# ---- targets -------------------------------------------------------------------------------------

serves() { "$SUTURE" status -p "$1" -q >/dev/null 2>&1; }

# start NAME COMMAND…: with the agent preloaded; sets PID, and waits until the agent serves.
start() {
	local name=$1
	shift
	LD_PRELOAD=$SUTURE_AGENT "$@" >"$WORK/$name.out" 2>"$WORK/$name.err" </dev/null &
	PID=$!
	PIDS+=("$PID")
	until_true "$name's agent" serves "$PID" || { cat "$WORK/$name.err"; totals; exit 1; }
}

# target NAME [ARG…]: a program of tests/targets, driven by lines: ask() sends one, and its answer is
# in ANSWER. One at a time. ENVIRONMENT may hold VAR=VALUE words; the agent is preloaded.
ENVIRONMENT=()
target() {
	local name=$1
	shift
	rm -f "$WORK/to" "$WORK/from"
	mkfifo "$WORK/to" "$WORK/from" || die "no pipe"
	env LD_PRELOAD="$SUTURE_AGENT" "${ENVIRONMENT[@]}" "$TARGET_BIN/target-$name" "$@" \
		<"$WORK/to" >"$WORK/from" 2>"$WORK/target-$name.err" &
	PID=$!
	PIDS+=("$PID")
	exec {TO}>"$WORK/to" {FROM}<"$WORK/from"
}
target_with_agent() {
	target "$@"
	until_true "the agent" serves "$PID" || { cat "$WORK/target-$1.err"; totals; exit 1; }
}
# target_with_room PATCH NAME [ARG…]: a function that is shorter than a jump is reached by a pun, whose displacement its
# neighbour's bytes fix in part: whether there is room is chance, by where the kernel put things. Another process
# has them elsewhere.
target_with_room() {
	local patch=$1 i
	shift
	for ((i = 0; i < 16; i++)); do
		target_with_agent "$@"
		suture check "$patch" -p "$PID"
		jq -e '.error.message // "" | test("pun: the destination is out of")' "$OUT" >/dev/null || return 0
		printf 'note  no room for a pun here, once more\n'
		target_end
	done
	target_with_agent "$@"
}
ask() {
	ANSWER='no answer'
	printf '%s\n' "$1" >&"$TO" && IFS= read -r -t 120 -u "$FROM" ANSWER
}
says() {        # says TEXT LINE EXPECTED
	ask "$2"
	is "$1" "$3" "$ANSWER"
}
target_end() {
	exec {TO}>&- {FROM}<&-
	wait "$PID"
	is "target ends well" 0 $?
}

# The code of an executable as it is in memory now.
text_hash() {   # PID EXE
	local from to
	from=$(awk -v exe="$2" '$2 ~ /x/ && $6 == exe { split($1, a, "-"); print a[1]; exit }' "/proc/$1/maps")
	to=$(awk -v exe="$2" '$2 ~ /x/ && $6 == exe { split($1, a, "-"); e = a[2] } END { print e }' "/proc/$1/maps")
	if [ -z "$from" ] || [ -z "$to" ]; then
		echo no-map
		return
	fi
	dd if="/proc/$1/mem" iflag=skip_bytes,count_bytes bs=1M skip=$((16#$from)) \
		count=$((16#$to - 16#$from)) 2>/dev/null | sha256sum | cut -c1-16
}
# Its mappings: protections must come back too. Mappings that are split stay split.
protections() { awk -v exe="$2" '$6 == exe { print $2 }' "/proc/$1/maps" | uniq | tr '\n' ' '; }

# function_address PID EXE NAME: in hexadecimal, in the running process
function_address() {
	local base offset
	offset=$(nm "$2" | awk -v name="$3" '$3 == name { print $1; exit }')
	base=$(awk -v exe="$2" '$6 == exe { split($1, a, "-"); print a[1]; exit }' "/proc/$1/maps")
	[ "$(readelf -h "$2" | awk '$1 == "Type:" { print $2 }')" = DYN ] || base=0
	printf '%x\n' $((16#$base + 16#$offset))
}

# ---- the arena -----------------------------------------------------------------------------------

# arena_start: the server with the agent; sets PID and PORT.
arena_start() {
	start arena "$ARENA_SERVER" --port 0 --port-file "$WORK/arena.port"
	until_true "the arena's port" test -s "$WORK/arena.port" || exit 1
	PORT=$(cat "$WORK/arena.port")
}

probe() {       # NAME: present, gone, or what went wrong
	"$ARENA_BOTS" probe "$1" --port "$PORT" --quiet >"$WORK/probe.txt" 2>&1
	case $? in
	0) echo present ;;
	1) echo gone ;;
	*) tail -n 1 "$WORK/probe.txt" ;;
	esac
}
