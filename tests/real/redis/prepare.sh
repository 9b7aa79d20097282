#!/usr/bin/env bash
# Redis 7.0.15 from Debian's sources with Debian's series of CVE fixes: (tree before a fix, fix) is a
# real (source, diff) pair.
#
#   prepare.sh [--before CVE] [--fixed CVE,CVE…] [--refresh] DIR
#
# Leaves in DIR:
#   env                   REDIS_TREE=… REDIS_SERVER=… REDIS_CLI=… REDIS_BASE=…, to be sourced
#   series/NN-CVE/        one folder per fix, in the order of the series:
#     debian.diff         as Debian ships it
#     base.diff           the same change against REDIS_TREE; only where it applies there
#     info                CVE=… PATCH=… FILES=…
#                         CUMULATIVE=clean|offset|fuzz|no      on the tree with all fixes before it
#                         ON_BASE=in-base|clean|offset|fuzz|code|no   on REDIS_TREE alone; code: all
#                         but the tests that come with the fix, which base.diff then leaves out
# REDIS_TREE has every fix before the one named by --before (CVE-2024-51741 unless given), built by its
# own Makefile with its defaults (-O2 -g, its own jemalloc), commands recorded in compile_commands.json.
# --fixed also builds a copy with the named fixes compiled in, and sets REDIS_FIXED to its server: what
# a live patch must behave like.
#
# Downloads and builds are kept in SUTURE_REAL_CACHE (~/.cache/suture-real), the builds under a hash of
# what went in, so a second run takes a second and no network. Exit 77: cannot be had here, with reason.
# shellcheck source=lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"
# shellcheck source=../source.sh
. "$HERE/../source.sh"
set -u

VERSION=7.0.15
RECIPE=1          # to be raised when the way of building below changes
before=CVE-2024-51741 fixed='' refresh='' dir=''
while [ $# -gt 0 ]; do
	case $1 in
	--before) before=$2; shift 2 ;;
	--fixed) fixed=$2; shift 2 ;;
	--refresh) refresh=1; shift ;;
	-*) say "usage: prepare.sh [--before CVE] [--fixed CVE,CVE…] [--refresh] DIR"; exit 2 ;;
	*) dir=$1; shift ;;
	esac
done
[ -n "$dir" ] || { say "usage: prepare.sh [--before CVE] [--fixed CVE,CVE…] [--refresh] DIR"; exit 2; }

need apt-get dpkg-source patch diff make cc bear flock sha256sum awk timeout
export LC_ALL=C
cache=${SUTURE_REAL_CACHE:-$HOME/.cache/suture-real}/redis
jobs=${SUTURE_REAL_JOBS:-$(nproc)}
mkdir -p "$dir" "$cache/dl" || die "cannot write to $dir or $cache"
dir=$(cd "$dir" && pwd -P) && cache=$(cd "$cache" && pwd -P) || exit 1
make_work

# One at a time: two runs would build into the same folder.
exec 9>"$cache/lock"
flock -w 1200 9 || die "another run has held $cache/lock for 20 minutes"

# ---- download ------------------------------------------------------------------------------------

if [ -n "$refresh" ] || ! ls "$cache"/dl/redis_"$VERSION"-*.dsc >/dev/null 2>&1; then
	fetch_source redis "$VERSION" "$cache/dl"
fi
dsc=$(ls "$cache"/dl/redis_"$VERSION"-*.dsc)

# ---- the series ----------------------------------------------------------------------------------

# dpkg-source checks the .dsc's checksums; that the .dsc is Debian's, apt has checked.
dpkg-source --skip-patches -x "$dsc" "$WORK/walk" >"$WORK/unpack.log" 2>&1 ||
	{ tail -n 5 "$WORK/unpack.log" >&2; die "cannot unpack $dsc; --refresh fetches it again"; }
cp -a "$WORK/walk/debian/patches" "$WORK/patches"

cve_of() { printf '%s\n' "$1" | grep -o -m1 'CVE-[0-9]*-[0-9]*' || grep -o -m1 'CVE-[0-9]*-[0-9]*' "$WORK/patches/$1"; }
paths_of() { sed -n 's,^+++ [^/]*/\([^[:space:]]*\).*,\1,p' "$WORK/patches/$1"; }

# How a diff applies to a tree, without touching it.
status_of() {
	local out
	if ! out=$(patch -p1 -f --dry-run -d "$2" <"$WORK/patches/$1" 2>&1); then
		printf '%s\n' "$out" | awk '/^checking file/ { f = $3 } / FAILED|[Nn]o file to patch|can.t find file/ {
			if (f !~ /^tests\//) bad = 1 } END { print bad ? "no" : "code" }'
		return
	fi
	case $out in
	*'with fuzz'*) echo fuzz ;;
	*'(offset '*) echo offset ;;
	*) echo clean ;;
	esac
}

apply_to() {
	patch -p1 -s -f --no-backup-if-mismatch -d "$2" <"$WORK/patches/$1" || die "$1 does not apply"
}

# Packaging patches name no CVE, neither in their name nor in their text; Debian's own builds need
# them, upstream's does not.
series=() cves=()
while read -r patch _; do
	case $patch in '' | '#'*) continue ;; esac
	cve=$(cve_of "$patch") || continue
	series+=("$patch") cves+=("$cve")
done <"$WORK/patches/series"
base_at=-1
for i in "${!series[@]}"; do
	[ "${cves[i]}" != "$before" ] || base_at=$i
done
[ "$base_at" -ge 0 ] || die "$before is not in the series: ${cves[*]}"

cp -a "$WORK/walk" "$WORK/base"
for ((i = 0; i < base_at; i++)); do
	apply_to "${series[i]}" "$WORK/base"
done

# The same change against the base tree: for the diffs that sit at other lines there.
rebase_diff() {
	local f a=$WORK/rebase/a b=$WORK/rebase/b
	rm -rf "$WORK/rebase"
	mkdir -p "$a" "$b"
	for f in $(paths_of "$1"); do
		mkdir -p "$a/$(dirname "$f")" "$b/$(dirname "$f")"
		[ ! -e "$WORK/base/$f" ] || cp "$WORK/base/$f" "$a/$f"
		[ ! -e "$WORK/base/$f" ] || cp "$WORK/base/$f" "$b/$f"
	done
	# whether it applies was asked before; what is left aside are tests
	patch -p1 -s -f --no-backup-if-mismatch -d "$b" <"$WORK/patches/$1" >/dev/null 2>&1
	find "$b" \( -name '*.rej' -o -name '*.orig' \) -delete
	(cd "$WORK/rebase" && diff -urN a b) | sed 's/^\(\(---\|+++\) [^\t]*\)\t.*/\1/' >"$2"   # no times: same input, same bytes
	[ -s "$2" ] || die "rebasing $1 gave nothing"
}

rm -rf "$dir/series"
mkdir -p "$dir/series"
for i in "${!series[@]}"; do
	out=$dir/series/$(printf '%02d' $((i + 1)))-${cves[i]}
	mkdir -p "$out"
	cp "$WORK/patches/${series[i]}" "$out/debian.diff"
	cumulative=$(status_of "${series[i]}" "$WORK/walk")
	if [ "$i" -lt "$base_at" ]; then
		on_base=in-base
	else
		on_base=$(status_of "${series[i]}" "$WORK/base")
		[ "$on_base" = no ] || rebase_diff "${series[i]}" "$out/base.diff"
	fi
	[ "$cumulative" = no ] || apply_to "${series[i]}" "$WORK/walk"
	{
		printf 'CVE=%s\nPATCH=%s\n' "${cves[i]}" "${series[i]}"
		printf 'CUMULATIVE=%s\nON_BASE=%s\n' "$cumulative" "$on_base"
		printf "FILES='%s'\n" "$(paths_of "${series[i]}" | tr '\n' ' ')"
	} >"$out/info"
done

# ---- the builds ----------------------------------------------------------------------------------

# Upstream's own build: no flags from the environment, or from a make that runs this script. Without
# libsystemd whether or not the machine has it, so that everybody gets the same binary.
# bear talks to itself over loopback, which a proxy setting would send elsewhere.
clean_env=(env -u CC -u CFLAGS -u CPPFLAGS -u LDFLAGS -u MAKEFLAGS -u MAKELEVEL -u MALLOC
	-u REDIS_CFLAGS -u REDIS_LDFLAGS "no_proxy=localhost,127.0.0.1")
redis_make=(make OPTIMIZATION=-O2 USE_SYSTEMD=no "-j$jobs")

# What goes into a build: $1 base or fixed, $2 the fixes compiled in, with commas.
key() {
	{
		printf '%s\n' "recipe $RECIPE" "$cache" "$1"
		cc --version
		uname -m
		(cd "$WORK/base" && find src deps -type f -print0 | sort -z | xargs -0 sha256sum)
		for i in "${!series[@]}"; do
			case ",$2," in *",${cves[i]},"*) cat "$WORK/patches/${series[i]}" ;; esac
		done
	} | sha256sum | cut -c1-16
}

timed_make() {     # LOG COMMAND…
	local log=$1
	shift
	timeout 1800 "$@" >"$log" 2>&1 && return
	tail -n 20 "$log" >&2
	die "the build failed; the whole log: $log"
}

# The stamp ("built") is the last thing written: no stamp, no build.
tree=$cache/tree-$(key base '')/redis
if [ ! -e "$tree/../built" ]; then
	say "redis: building $VERSION before $before (1 to 3 minutes)"
	rm -rf "${tree%/redis}"
	mkdir -p "${tree%/redis}"
	cp -a "$WORK/base" "$tree"
	start=$SECONDS
	cd "$tree" || exit 1
	timed_make "$tree/../make.log" "${clean_env[@]}" bear -- "${redis_make[@]}"
	for unit in acl networking hyperloglog; do
		grep -q "\"file\": \".*/src/$unit\.c\"" compile_commands.json ||
			die "bear recorded no command for $unit.c: see $tree/compile_commands.json"
	done
	grep -q '"-O2"' compile_commands.json || die "recorded without -O2"
	say "redis: built in $((SECONDS - start)) s"
	touch "$tree/../built"
fi

fixed_tree=
if [ -n "$fixed" ]; then
	fixed_tree=$cache/tree-$(key fixed "$fixed")/redis
	if [ ! -e "$fixed_tree/../built" ]; then
		say "redis: building the same with $fixed compiled in"
		rm -rf "${fixed_tree%/redis}"
		mkdir -p "${fixed_tree%/redis}"
		cp -a "$tree" "$fixed_tree"       # with times: make compiles only what the fixes touch
		for i in "${!series[@]}"; do
			case ",$fixed," in *",${cves[i]},"*) apply_to "${series[i]}" "$fixed_tree" ;; esac
		done
		cd "$fixed_tree" || exit 1
		timed_make "$fixed_tree/../make.log" "${clean_env[@]}" "${redis_make[@]}"
		touch "$fixed_tree/../built"
	fi
fi

# Trees of former recipes and compilers, unused for a month, go.
touch "$tree/../built"
[ -z "$fixed_tree" ] || touch "$fixed_tree/../built"
find "$cache" -maxdepth 2 -path "$cache/tree-*/built" -mtime +30 -print | while read -r stamp; do
	rm -rf "${stamp%/built}"
done

{
	printf 'REDIS_TREE=%q\nREDIS_SERVER=%q\nREDIS_CLI=%q\n' "$tree" "$tree/src/redis-server" "$tree/src/redis-cli"
	printf 'REDIS_BASE=%q\n' "before $before"
	[ -z "$fixed_tree" ] || printf 'REDIS_FIXED=%q\n' "$fixed_tree/src/redis-server"
} >"$dir/env"
say "redis: $VERSION before $before is in $tree"
