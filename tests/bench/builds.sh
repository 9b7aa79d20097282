# What a build of a patch costs; sourced by run.sh, which see for record, figures, show and row.
# shellcheck shell=bash
#
# Everything in CPU time of all processes (user and system), so that -j and other work on the machine do not
# decide. Shares are of the full build in the same run.

BUILD_ROUNDS=${BENCH_BUILD_ROUNDS:-5}

# cpu_of COMMAND…: CPU_US of a command, and its exit code
cpu_of() {
	local TIMEFORMAT='%3U %3S' code
	{ time "$@" >"$WORK/build.log" 2>&1; } 2>"$WORK/cpu"
	code=$?
	CPU_US=$(awk '{ printf "%d", ($1 + $2) * 1000000 }' "$WORK/cpu")
	return "$code"
}

# builds KIND CODE DATABASE SOURCE BINARY DIFF: figures of CPU time. cold: no kept objects are found; warm: those of
# the same build; prepared: those of `suture build --prepare`, in $WORK/prepared
builds() {
	local kind=$1 code=$2 i rc
	shift 2
	truncate -s 0 "$WORK/times"
	[ "$kind" != warm ] || for_builds "$@"
	for ((i = 0; i < BUILD_ROUNDS; i++)); do
		[ "$kind" = warm ] || rm -rf "$XDG_CACHE_HOME"
		[ "$kind" != prepared ] || cp -a "$WORK/prepared" "$XDG_CACHE_HOME"
		for_builds "$@"
		rc=$?
		[ "$rc" = "$code" ] || { say "build: exit $rc, not $code: $(tail -c 300 "$WORK/build.log")"; return 1; }
		echo "$CPU_US" >>"$WORK/times"
	done
	figures <"$WORK/times"
}
for_builds() {
	cpu_of "$BUILD_DIR/bin/suture-build" -q -C "$1" --source "$2" --binary "$3" -o "$WORK/bench.so" --name bench "$4"
}

# share NAME CODE KINDS FULL DATABASE SOURCE BINARY DIFF: FULL are figures; KINDS are as in builds, each with a limit
# in % or without: "cold=6 warm=1 prepared"
share() {
	local name=$1 code=$2 kinds=$3 full=$4 word kind limit figure percent
	shift 4
	for word in $kinds; do
		kind=${word%=*} limit=${word#"$kind"}
		figure=$(builds "$kind" "$code" "$@") || return
		percent=$(jq -n --argjson one "$figure" --argjson full "$full" '$one.median / $full.median * 1000 | round / 10')
		record ".build[\"$name\"].$kind" "$(jq -n --argjson one "$figure" --argjson full "$full" --argjson percent "$percent" \
			'{cpu_us: $one, full_cpu_us: $full, percent: $percent}')"
		row "$name, $kind" "$(show "$(jq -c 'map_values(. / 1000)' <<<"$figure")" ms) CPU, $percent % of the full build$(
			jq -rn --argjson percent "$percent" --arg limit "${limit#=}" 'if $limit == "" then ""
			elif $percent <= ($limit | tonumber) then " (limit \($limit) %)" else " (OVER the limit of \($limit) %)" end')"
	done
}

# full_builds NAME COMMAND…: figures of two full builds. The command is a function that starts from nothing.
full_builds() {
	local name=$1 i
	shift
	truncate -s 0 "$WORK/full"
	for i in 1 2; do
		cpu_of "$@" || { say "the full build of $name fails: $(tail -n 3 "$WORK/build.log")"; return 1; }
		echo "$CPU_US" >>"$WORK/full"
	done
	figures <"$WORK/full"
}
show_full() { row "$1, full build" "$(show "$(jq -c 'map_values(. / 1000)' <<<"$2")" ms) CPU"; }

# ---- arena ---------------------------------------------------------------------------------------

arena_full() {
	rm -rf "$WORK/arena"
	cmake -S "$ARENA_SOURCE" -B "$WORK/arena" -G Ninja -DCMAKE_EXPORT_COMPILE_COMMANDS=ON &&
		cmake --build "$WORK/arena" --target arena-server
}

bench_arena() {
	local full
	full=$(full_builds arena arena_full) || return
	show_full arena "$full"
	share arena 0 "cold warm" "$full" "$WORK/arena" "$ARENA_SOURCE" "$WORK/arena/arena-server" "$ARENA_SOURCE/diffs/coin-dup.diff"
}

# ---- redis ---------------------------------------------------------------------------------------

redis_full() {
	make -C "$WORK/redis-full" distclean &&
		make -C "$WORK/redis-full" OPTIMIZATION=-O2 USE_SYSTEMD=no -j "$(nproc)"
}

# largest_compiled: the build's own compilation of its largest units, where all else is there
largest_compiled() {
	(cd "$WORK/redis-full/src" && rm -f "${LARGEST[@]/%/.o}" && make OPTIMIZATION=-O2 USE_SYSTEMD=no "${LARGEST[@]/%/.o}")
}

# header_diff SED_EXPRESSION: an edit of the header that most units include
header_diff() {
	rm -rf "$WORK/a" "$WORK/b"
	mkdir -p "$WORK/a/src" "$WORK/b/src"
	cp "$REDIS_TREE/src/server.h" "$WORK/a/src/"
	sed "$1" "$REDIS_TREE/src/server.h" >"$WORK/b/src/server.h"
	(cd "$WORK" && diff -u a/src/server.h b/src/server.h)
}

# The three units that take longest to compile
LARGEST=(cluster module server)

# largest_diff: a line more in a function of each of them
largest_diff() {
	local unit
	rm -rf "$WORK/a" "$WORK/b"
	mkdir -p "$WORK/a/src" "$WORK/b/src"
	for unit in "${LARGEST[@]}"; do
		cp "$REDIS_TREE/src/$unit.c" "$WORK/a/src/"
		sed '/^void \(slotToChannelDel(sds channel\|moduleRegisterCoreAPI(void\|resetServerStats(void\)) {$/a\
    serverLog(LL_WARNING, "patched");' "$REDIS_TREE/src/$unit.c" >"$WORK/b/src/$unit.c"
	done
	(cd "$WORK" && diff -ru a b)
}

bench_redis() {
	local full target cve
	target=("$REDIS_TREE" "$REDIS_TREE" "$REDIS_SERVER")
	cp -a "$REDIS_TREE" "$WORK/redis-full"
	full=$(full_builds redis redis_full) || return
	show_full redis "$full"
	cpu_of largest_compiled || { say "redis' largest units do not compile: $(tail -n 3 "$WORK/build.log")"; return 1; }
	record '.build["redis, the three largest units by the build itself"]' \
		"$(jq -n --argjson cpu "$CPU_US" --argjson full "$full" '{cpu_us: $cpu, full_cpu_us: $full}')"
	row "the three largest, by the build itself" "$((CPU_US / 1000)) ms CPU, $(
		jq -n --argjson cpu "$CPU_US" --argjson full "$full" '$cpu / $full.median * 1000 | round / 10') % of it"
	rm -rf "$WORK/redis-full"
	rm -rf "$XDG_CACHE_HOME"
	cpu_of "$BUILD_DIR/bin/suture-build" -q --prepare -C "$REDIS_TREE" --binary "$REDIS_SERVER" ||
		{ say "redis is not prepared: $(tail -c 300 "$WORK/build.log")"; return 1; }
	cp -a "$XDG_CACHE_HOME" "$WORK/prepared"
	record '.build["redis, prepare"]' "$(jq -n --argjson cpu "$CPU_US" --argjson full "$full" '{cpu_us: $cpu, full_cpu_us: $full}')"
	row "redis, all of it prepared" "$((CPU_US / 1000)) ms CPU, once"
	for cve in CVE-2024-51741 CVE-2025-21605 CVE-2025-32023; do
		cat "$WORK"/redis/series/*-"$cve"/base.diff
	done >"$WORK/three.diff"
	share "redis, a fix in one unit" 0 "cold=6 prepared=6 warm=1" "$full" "${target[@]}" "$(echo "$WORK"/redis/series/*-CVE-2024-51741/base.diff)"
	share "redis, three fixes in three" 0 "cold=6 prepared=6 warm=1" "$full" "${target[@]}" "$WORK/three.diff"
	largest_diff >"$WORK/largest.diff"
	# No limit: to compile these three files once, which nobody can do without, takes more than 6 %, as was just shown.
	share "redis, the three largest units" 0 "cold prepared warm=1" "$full" "${target[@]}" "$WORK/largest.diff"
	header_diff '100i /* a comment in the header\n * that nearly all units include */' >"$WORK/comment.diff"
	share "redis, a comment in server.h" 10 "cold=30 warm=1" "$full" "${target[@]}" "$WORK/comment.diff"
	header_diff '100i #define SUTURE_UNUSED 1' >"$WORK/macro.diff"
	share "redis, a macro in server.h" 10 "cold=30 warm=30" "$full" "${target[@]}" "$WORK/macro.diff"
}

# Every function of every unit, compiled twice and compared: nothing may differ.
bench_all_units() {
	local code
	cpu_of "$BUILD_DIR/bin/suture-build" -q --json --all-units -C "$REDIS_TREE" --source "$REDIS_TREE" \
		--binary "$REDIS_SERVER" -o "$WORK/bench.so" "$WORK/comment.diff"
	code=$?
	grep '^{' "$WORK/build.log" | tail -n 1 >"$WORK/all.json"
	record .original_against_itself "$(jq -c --arg cpu "$CPU_US" '{result, verified, units, refusals: (.refusals | length),
		cpu_us: ($cpu | tonumber)}' "$WORK/all.json")"
	row "redis, the original against itself" "exit $code (10: no difference), $(
		jq -r '"\(.units.compiled) units, \(.verified.exact) functions equal, \(.verified.equivalent) but for relaxations, \(.verified.different) different"' "$WORK/all.json")"
}

# The verdict on each fix of Debian's series, built against the tree before it, and its fate in a server.
bench_series() {
	local shares
	SUTURE_BUILD=$BUILD_DIR/bin/suture-build SUTURE=$BUILD_DIR/bin/suture SUTURE_AGENT=$BUILD_DIR/lib/libsuture.so \
		"$ROOT/tests/real/redis/series.sh" --json "$WORK/series.json" 2>"$WORK/series.log" | sed 's/^/  /'
	[ -s "$WORK/series.json" ] || { tail -n 3 "$WORK/series.log" >&2; return; }
	record .redis_series "$(cat "$WORK/series.json")"
	shares=$(jq -c '.build["redis, a fix in one unit"].cold.full_cpu_us.median as $full | .redis_series[] |
		select(.units.affected <= 3) | .cpu_ms * 1000 / $full * 100' "$RESULT" | figures)
	record .redis_series_shares "$shares"
	row "fixes in up to three units, cold" "$(show "$shares" %) of the full build (limit 6 %)"
}

bench_builds() {
	bench_arena
	if [ "${BENCH_REDIS:-1}" = 0 ] || [ ! -d "${SUTURE_REAL_CACHE:-$HOME/.cache/suture-real}/redis" ] ||
		! "$ROOT/tests/real/redis/prepare.sh" "$WORK/redis" >"$WORK/build.log" 2>&1; then
		row redis "not measured: its sources are not cached (./dev test real)"
		return
	fi
	# shellcheck source=/dev/null
	. "$WORK/redis/env"
	bench_redis
	[ "${BENCH_ALL_UNITS:-1}" = 0 ] || bench_all_units
	[ "${BENCH_SERIES:-1}" = 0 ] || { printf "redis' fixes, each against the tree before it\n"; bench_series; }
}
