#!/usr/bin/env bash
# The teeworlds 0.7.5 server from Debian's source archive, as CMake builds it, and players for it.
#
#   prepare.sh [--refresh] DIR
#
# Leaves DIR/env: TW_TREE=… TW_BUILD=… (with compile_commands.json) TW_SERVER=… TW_PLAYERS=…
# Downloads and builds are kept in SUTURE_REAL_CACHE (~/.cache/suture-real), the builds under a hash of
# what went in. Exit 77: cannot be had here, with reason.
# shellcheck source=../lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/../lib.sh"
HERE=$(CDPATH='' cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=../source.sh
. "$HERE/../source.sh"
set -u

VERSION=0.7.5
RECIPE=1          # to be raised when the way of building below changes
refresh='' dir=''
while [ $# -gt 0 ]; do
	case $1 in
	--refresh) refresh=1; shift ;;
	-*) say "usage: prepare.sh [--refresh] DIR"; exit 2 ;;
	*) dir=$1; shift ;;
	esac
done
[ -n "$dir" ] || { say "usage: prepare.sh [--refresh] DIR"; exit 2; }

need apt-get cmake ninja python3 g++ flock sha256sum timeout tar xz
export LC_ALL=C
cache=${SUTURE_REAL_CACHE:-$HOME/.cache/suture-real}/teeworlds
jobs=${SUTURE_REAL_JOBS:-$(nproc)}
mkdir -p "$dir" "$cache" || die "cannot write to $dir or $cache"
dir=$(cd "$dir" && pwd -P) && cache=$(cd "$cache" && pwd -P) || exit 1
make_work

# One at a time: two runs would build into the same folder.
exec 9>"$cache/lock"
flock -w 1200 9 || die "another run has held $cache/lock for 20 minutes"

archive=teeworlds_$VERSION.orig.tar.xz
if [ -n "$refresh" ] || [ ! -s "$cache/dl/$archive" ]; then
	fetch_source teeworlds "$VERSION" "$cache/dl" "$archive"
fi

key() {
	{
		printf '%s\n' "recipe $RECIPE" "$cache"
		c++ --version
		uname -m
		sha256sum <"$cache/dl/$archive"
	} | sha256sum | cut -c1-16
}

# quietly LOG COMMAND…
quietly() {
	local log=$1
	shift
	timeout 1800 "$@" >"$log" 2>&1 && return
	tail -n 20 "$log" >&2
	die "the build failed; the whole log: $log"
}

# No flags from the environment: everybody gets the same binary. The stamp is the last thing written.
clean_env=(env -u CC -u CXX -u CFLAGS -u CXXFLAGS -u LDFLAGS)
top=$cache/tree-$(key)
tree=$top/teeworlds build=$top/build
if [ ! -e "$top/built" ]; then
	say "teeworlds: building the server $VERSION (a minute or two)"
	rm -rf "$top"
	mkdir -p "$tree" || exit 1
	tar -C "$tree" --strip-components=1 -xf "$cache/dl/$archive" || die "cannot unpack $archive; --refresh fetches it again"
	quietly "$top/cmake.log" "${clean_env[@]}" cmake -S "$tree" -B "$build" -G Ninja -DCLIENT=OFF \
		-DCMAKE_BUILD_TYPE=RelWithDebInfo -DCMAKE_EXPORT_COMPILE_COMMANDS=ON
	quietly "$top/ninja.log" "${clean_env[@]}" ninja -C "$build" -j "$jobs" teeworlds_srv
	touch "$top/built"
fi
touch "$top/built"

# Of the objects that the server is linked from, those that a client has too.
players=$top/players-$(sha256sum <"$HERE/players.cpp" | cut -c1-16)
if [ ! -x "$players" ]; then
	rm -f "$top"/players-*
	mapfile -t objects < <(find "$build/CMakeFiles" -path '*/engine-shared.dir/*.o' -o -path '*/game-shared.dir/*.o' \
		-o -path '*/md5.dir/*.o' -o -path '*/json.dir/*.o' -o -path '*/zlib.dir/*.o')
	libraries=$(sed -n '/^build teeworlds_srv:/,/^$/s/^ *LINK_LIBRARIES = //p' "$build/build.ninja")
	# shellcheck disable=SC2086  # several
	quietly "$top/players.log" g++ -std=gnu++17 -O1 -g -Wall -Wextra -isystem "$tree/src" -isystem "$build/src" \
		-o "$players" "$HERE/players.cpp" "${objects[@]}" $libraries -lpthread
fi

# Builds of former recipes and compilers, unused for a month, go.
find "$cache" -maxdepth 2 -path "$cache/tree-*/built" -mtime +30 -print | while read -r stamp; do
	rm -rf "${stamp%/built}"
done

printf 'TW_TREE=%q\nTW_BUILD=%q\nTW_SERVER=%q\nTW_PLAYERS=%q\n' "$tree" "$build" "$build/teeworlds_srv" "$players" >"$dir/env"
say "teeworlds: $VERSION is in $tree"
