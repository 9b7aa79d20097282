#!/usr/bin/env bash
# The verdict on each fix of redis' Debian CVE series, built against the tree before it: the binary of
# that tree, and nothing newer. A patch is applied to a server of that tree, which has to go on answering,
# and taken back. One row per fix; with --json FILE also a document for the bench.
#
#   series.sh [--json FILE] [CVE…]      all, or those named (the trees in between are still built)
#
# Environment: SUTURE_BUILD, SUTURE, SUTURE_AGENT; see prepare.sh for the cache.
# Exit code 0: a verdict for each (a refusal is one) and every patch applied; 1: not so; 77: could not be
# tried.
set -u
# shellcheck source=lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"
need jq patch make cc bear
json='' only=''
while [ $# -gt 0 ]; do
	case $1 in
	--json) json=$2; shift 2 ;;
	CVE-*) only="$only $1"; shift ;;
	*) say "usage: series.sh [--json FILE] [CVE…]"; exit 2 ;;
	esac
done
BUILD=$HERE/../../../build
SUTURE_BUILD=${SUTURE_BUILD:-$BUILD/bin/suture-build}
SUTURE=${SUTURE:-$BUILD/bin/suture}
SUTURE_AGENT=$(realpath -m "${SUTURE_AGENT:-$BUILD/lib/libsuture.so}")
for tool in "$SUTURE_BUILD" "$SUTURE" "$SUTURE_AGENT"; do
	[ -e "$tool" ] || skip "not built: $tool"
done
unset LD_PRELOAD SUTURE_SOCKET SUTURE_DIR SUTURE_DISABLE
make_work
export XDG_CACHE_HOME=$WORK/cache       # of objects: cold for each fix

# The tree before the first fix that this machine's redis has.
"$HERE/prepare.sh" --before CVE-2024-31449 "$WORK/redis" || exit $?
# shellcheck source=/dev/null
. "$WORK/redis/env"
TREE=$WORK/tree
cp -a "$REDIS_TREE" "$TREE"
# The commands name the folder that they ran in.
sed -i "s|$REDIS_TREE|$TREE|g" "$TREE/compile_commands.json"

remake() {      # objects of edited sources, and the link; as prepare.sh does it
	(cd "$TREE" && env -u CC -u CFLAGS -u CPPFLAGS -u LDFLAGS -u MAKEFLAGS -u MAKELEVEL -u MALLOC \
		make OPTIMIZATION=-O2 USE_SYSTEMD=no "-j$(nproc)") >"$WORK/make.log" 2>&1 ||
		{ tail -n 5 "$WORK/make.log" >&2; die "the tree after $1 does not build"; }
}

# try_live CVE: LIVE is what became of the patch in a running server
try_live() {
	export SUTURE_SOCKET=$WORK/live.sock
	LIVE='no server'
	start_server live "$TREE/src/redis-server" '' LD_PRELOAD="$SUTURE_AGENT" SUTURE_DIR="$WORK" || return
	for _ in $(seq 100); do         # redis may be ready before the agent's thread has run
		[ ! -S "$SUTURE_SOCKET" ] || break
		sleep 0.1
	done
	LIVE=refused
	if "$SUTURE" apply --json "$WORK/out.so" -s "$SUTURE_SOCKET" >"$WORK/live.json" 2>&1; then
		LIVE="$(jq -r .pause_us "$WORK/live.json") us"
		[ "$(timeout 10 "$REDIS_CLI" -p "$SERVER_PORT" set "$1" x 2>&1)" = OK ] || LIVE='no answer'
		"$SUTURE" revert "$1" -s "$SUTURE_SOCKET" >>"$WORK/live.json" 2>&1 || LIVE='not reverted'
		[ "$(timeout 10 "$REDIS_CLI" -p "$SERVER_PORT" get "$1" 2>&1)" = x ] || LIVE='no answer after revert'
	fi
	case $LIVE in *us) ;; *) FAILED=$((FAILED + 1)); say "$1: $LIVE: $(tail -c 300 "$WORK/live.json")" ;; esac
	stop_pid "$SERVER_PID"
	unset SUTURE_SOCKET
}

verdict() {     # CVE DIFF: one row
	local cve=$1 diff=$2 code cpu
	local TIMEFORMAT='%U %S'
	rm -rf "$XDG_CACHE_HOME"
	{ time "$SUTURE_BUILD" -C "$TREE" --source "$TREE" --binary "$TREE/src/redis-server" -q --json \
		--name "$cve" -o "$WORK/out.so" "$diff" >"$WORK/verdict.json" 2>"$WORK/verdict.err"; } 2>"$WORK/time"
	code=$?
	cpu=$(awk '{ printf "%d", ($1 + $2) * 1000 }' "$WORK/time")
	LIVE=-
	case $code in
	0) try_live "$cve" ;;
	4 | 10) ;;
	*) FAILED=$((FAILED + 1)); cat "$WORK/verdict.err" >&2 ;;
	esac
	jq -r --arg cve "$cve" --arg cpu "$cpu" --arg live "$LIVE" '
		def count(kind): [.functions[] | select(kind)] | length | tostring;
		[$cve, (.result // .error.code), $cpu + " ms", $live,
		 (if .result == "patch" then count(.kind != "new") + " changed, " + count(.kind == "new") + " new: " +
			([.functions[].name] | .[0:6] | join(" ")) + (if (.functions | length) > 6 then " …" else "" end)
		  else ([(.refusals // [])[] | .code + ": " + (.message | split("\n")[0])] | unique | .[0:2] | join("; ")) end)]
		| @tsv' "$WORK/verdict.json" |
		awk -F'\t' '{ printf "%-16s %-8s %9s %9s  %s\n", $1, $2, $3, $4, $5 }'
	jq -c --arg cve "$cve" --arg cpu "$cpu" --arg live "$LIVE" '{cve: $cve, result,
		functions: [(.functions // [])[] | {name, kind}], refusals: [(.refusals // [])[].code], notes: (.notes // []),
		cpu_ms: ($cpu | tonumber), live: $live, times, units}' "$WORK/verdict.json" >>"$WORK/rows"
}

printf '%-16s %-8s %9s %9s  %s\n' fix verdict CPU pause functions
: >"$WORK/rows"
for folder in "$WORK/redis/series"/*; do
	# shellcheck source=/dev/null
	. "$folder/info"
	diff=$folder/debian.diff
	[ "$CUMULATIVE" != no ] || { printf '%-16s does not apply\n' "$CVE"; continue; }
	# Lines that moved, and tests that aren't there: the same change as it applies here.
	rm -rf "$WORK/a" "$WORK/b"
	mkdir -p "$WORK/a" "$WORK/b"
	for file in $FILES; do
		[ -e "$TREE/$file" ] || continue
		mkdir -p "$WORK/a/$(dirname "$file")" "$WORK/b/$(dirname "$file")"
		cp -p "$TREE/$file" "$WORK/a/$file"
		cp -p "$TREE/$file" "$WORK/b/$file"
	done
	patch -p1 -s -f --no-backup-if-mismatch -d "$WORK/b" <"$diff" >/dev/null 2>&1
	find "$WORK/b" \( -name '*.rej' -o -name '*.orig' \) -delete
	(cd "$WORK" && diff -urN a b) >"$WORK/change.diff"
	case " $only " in '  ' | *" $CVE "*) verdict "$CVE" "$WORK/change.diff" ;; esac
	(cd "$WORK/b" && find . -type f -print0) | while IFS= read -r -d '' file; do
		cmp -s "$WORK/b/$file" "$TREE/$file" || { mkdir -p "$(dirname "$TREE/$file")" && cp "$WORK/b/$file" "$TREE/$file"; }
	done
	remake "$CVE"
done
[ -z "$json" ] || jq -s . "$WORK/rows" >"$json"
printf '%d fixes, %d failed\n' "$(wc -l <"$WORK/rows")" "$FAILED"
[ "$FAILED" = 0 ]
