#!/usr/bin/env bash
# Sources of lua 5.4 and sqlite from Debian's archives, for the identity proof and for ./dev bench's coverage.
#
#   prepare.sh [--refresh] DIR
#
# Leaves DIR/env: IDENTITY_LUA=… (with src/*.c) IDENTITY_SQLITE=… (with sqlite3.c and shell.c). Downloads are kept in
# SUTURE_REAL_CACHE (~/.cache/suture-real). Exit 77: cannot be had here, with reason.
# shellcheck source=../lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/../lib.sh"
HERE=$(CDPATH='' cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=../source.sh
. "$HERE/../source.sh"
set -u

LUA=5.4.4
SQLITE=3.40.1
refresh='' dir=''
while [ $# -gt 0 ]; do
	case $1 in
	--refresh) refresh=1; shift ;;
	-*) say "usage: prepare.sh [--refresh] DIR"; exit 2 ;;
	*) dir=$1; shift ;;
	esac
done
[ -n "$dir" ] || { say "usage: prepare.sh [--refresh] DIR"; exit 2; }

need apt-get cc make tclsh flock timeout tar xz
export LC_ALL=C
cache=${SUTURE_REAL_CACHE:-$HOME/.cache/suture-real}/scripted
mkdir -p "$dir" "$cache" || die "cannot write to $dir or $cache"
dir=$(cd "$dir" && pwd -P) && cache=$(cd "$cache" && pwd -P) || exit 1
make_work

# One at a time: two runs would unpack into the same folder.
exec 9>"$cache/lock"
flock -w 600 9 || die "another run has held $cache/lock for 10 minutes"

# unpacked PACKAGE VERSION ARCHIVE: into $cache/PACKAGE-VERSION.new, unless it is there; 1: nothing to do
unpacked() {
	local package=$1 version=$2 archive=$3 tree=$cache/$1-$2
	[ -n "$refresh" ] || [ ! -d "$tree" ] || return 1
	if [ -n "$refresh" ] || [ ! -s "$cache/dl-$package/$archive" ]; then
		fetch_source "$package" "$version" "$cache/dl-$package" "$archive"
	fi
	rm -rf "$tree" "$tree.new"
	mkdir "$tree.new"
	tar -C "$tree.new" --strip-components=1 -xf "$cache/dl-$package/$archive" ||
		die "cannot unpack $archive; --refresh fetches it again"
}

if unpacked lua5.4 "$LUA" "lua5.4_$LUA.orig.tar.gz"; then
	mv "$cache/lua5.4-$LUA.new" "$cache/lua5.4-$LUA"
fi
if unpacked sqlite3 "$SQLITE" "sqlite3_$SQLITE.orig.tar.xz"; then
	tree=$cache/sqlite3-$SQLITE
	# All of it in two files, as its authors hand it out.
	(cd "$tree.new" && env -u CC -u CFLAGS -u LDFLAGS ./configure --disable-readline &&
		timeout 600 make sqlite3.c shell.c) >"$WORK/make.log" 2>&1 ||
		{ tail -n 20 "$WORK/make.log" >&2; die "sqlite3.c was not made"; }
	mv "$tree.new" "$tree"
fi
printf 'IDENTITY_LUA=%q\nIDENTITY_SQLITE=%q\n' "$cache/lua5.4-$LUA" "$cache/sqlite3-$SQLITE" >"$dir/env"
say "lua $LUA and sqlite $SQLITE are in $cache"
