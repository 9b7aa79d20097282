# ./dev bench: which functions of real programs a jump fits, each taken by itself. Sourced by run.sh; only where
# BENCH_ONLY=coverage or BENCH_COVERAGE=1 asks for it, since it compiles them: ten minutes on two processors.
#
# Environment: BENCH_LEVELS ("-O2 -O3 -Os"). IDENTITY_LUA, IDENTITY_SQLITE: source folders; without them Debian's
# are fetched. redis and teeworlds are left out where their sources are not cached (./dev test real).
# shellcheck shell=bash

cover() {       # NAME EXE: one row, with each function that no jump fits, and why
	suture check --all-functions "$2"
	[ "$RC" -eq 0 ] || { row "$1" "not measured: $(head -c 200 "$ERR")"; return; }
	record ".coverage[\"$1\"]" "$(jq -c '{functions, tiers, unpatchable}' "$OUT")"
	row "$1" "$(j '"\((.functions - (.unpatchable | length)) / .functions * 10000 | round / 100) % of \(.functions)"')"
	jq -r '.unpatchable[] | "      \(.name): \(.reason)"' "$OUT"
}

# level EXE: at which most of its units were compiled, by the compiler's own word; the last option is in force
level() {
	readelf --debug-dump=info --dwarf-depth=1 "$1" 2>/dev/null | grep 'DW_AT_producer.* -O' |
		sed -E 's/.* (-O[^ ]*).*/\1/' | sort | uniq -c | sort -rn | awk 'NR == 1 { print $2 }'
}

# covered NAME EXE COMMAND…: makes it, with the level in LEVEL
covered() {
	local name=$1 exe=$2
	shift 2
	if ! nice -n 19 timeout 900 "$@" >"$WORK/make.log" 2>&1; then
		row "$name $LEVEL" "not measured: it was not built"
	elif [ "$(level "$exe")" != "$LEVEL" ]; then
		row "$name $LEVEL" "not measured: it was compiled at $(level "$exe")"
	else
		cover "$name $LEVEL" "$exe"
	fi
}

cover_lua() {
	local file files=()
	for file in "$IDENTITY_LUA"/src/*.c; do
		[ "${file##*/}" = luac.c ] || files+=("$file")
	done
	cc "$LEVEL" -g -DLUA_USE_LINUX -o "$WORK/lua" "${files[@]}" -lm -ldl
}
cover_sqlite() {
	cc "$LEVEL" -g -o "$WORK/sqlite" "$IDENTITY_SQLITE/sqlite3.c" "$IDENTITY_SQLITE/shell.c" -lpthread -ldl -lm
}
cover_redis() {
	rm -rf "$WORK/redis-copy"
	# what the first build was made with is kept there, and wins over what make is told
	cp -a "$REDIS_TREE" "$WORK/redis-copy" &&
		sed -i -E "/^(OPT|PREV_FINAL_CFLAGS)=/s/-O[0-9s]+/$LEVEL/" "$WORK/redis-copy/src/.make-settings" &&
		make -C "$WORK/redis-copy/src" clean &&
		make -C "$WORK/redis-copy/src" OPTIMIZATION="$LEVEL" USE_SYSTEMD=no "-j$(nproc)" redis-server
}
cover_teeworlds() {
	cmake -G Ninja -S "$TW_TREE" -B "$WORK/tw-$LEVEL" -DCLIENT=OFF -DCMAKE_BUILD_TYPE=None \
		-DCMAKE_C_FLAGS="$LEVEL -g" -DCMAKE_CXX_FLAGS="$LEVEL -g" && cmake --build "$WORK/tw-$LEVEL" --target teeworlds_srv
}

bench_coverage() {
	local cache=${SUTURE_REAL_CACHE:-$HOME/.cache/suture-real} redis='' teeworlds='' LEVEL
	printf 'functions that a jump fits, each by itself\n'
	if [ -z "${IDENTITY_LUA:-}${IDENTITY_SQLITE:-}" ] && "$ROOT/tests/real/scripted/prepare.sh" "$WORK/scripted" >"$WORK/build.log" 2>&1; then
		# shellcheck source=/dev/null
		. "$WORK/scripted/env"
	fi
	export -f cover_lua cover_sqlite cover_redis cover_teeworlds
	export WORK LEVEL REDIS_TREE TW_TREE IDENTITY_LUA=${IDENTITY_LUA:-} IDENTITY_SQLITE=${IDENTITY_SQLITE:-}
	[ -d "$cache/redis" ] && "$ROOT/tests/real/redis/prepare.sh" "$WORK/redis" >"$WORK/build.log" 2>&1 && redis=1
	[ -d "$cache/teeworlds" ] && "$ROOT/tests/real/teeworlds/prepare.sh" "$WORK/teeworlds" >"$WORK/build.log" 2>&1 && teeworlds=1
	# shellcheck source=/dev/null
	[ -z "$redis" ] || . "$WORK/redis/env"
	# shellcheck source=/dev/null
	[ -z "$teeworlds" ] || . "$WORK/teeworlds/env"
	record .coverage '{}'
	for LEVEL in ${BENCH_LEVELS:--O2 -O3 -Os}; do
		[ -z "$IDENTITY_LUA" ] || covered lua "$WORK/lua" bash -c cover_lua
		[ -z "$IDENTITY_SQLITE" ] || covered sqlite "$WORK/sqlite" bash -c cover_sqlite
		[ -z "$redis" ] || covered redis "$WORK/redis-copy/src/redis-server" bash -c cover_redis
		[ -z "$teeworlds" ] || covered teeworlds "$WORK/tw-$LEVEL/teeworlds_srv" bash -c cover_teeworlds
	done
}
