#!/usr/bin/env bash
# The verdict on each fix of redis' Debian CVE series, built against the tree before it: the binary of
# that tree, and nothing newer. One row per fix; with --json FILE also a document for the bench.
#
#   series.sh [--json FILE] [CVE…]      all, or those named (the trees in between are still built)
#
# Exit code 0: a verdict for each (a refusal is one); 1: a build ended without; 77: could not be tried.
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
SUTURE_BUILD=${SUTURE_BUILD:-$HERE/../../../build/bin/suture-build}
[ -x "$SUTURE_BUILD" ] || skip "no suture-build at $SUTURE_BUILD"
make_work

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

verdict() {     # CVE DIFF: one row
	local cve=$1 diff=$2 code row
	"$SUTURE_BUILD" -C "$TREE" --source "$TREE" --binary "$TREE/src/redis-server" -q --json \
		--name "$cve" -o "$WORK/out.so" "$diff" >"$WORK/verdict.json" 2>"$WORK/verdict.err"
	code=$?
	case $code in
	0 | 4 | 10) ;;
	*) FAILED=$((FAILED + 1)) ;;
	esac
	row=$(jq -r --arg cve "$cve" '
		[$cve, (.result // .error.code),
		 (if .result == "patch" then ([.functions[] | select(.kind != "new")] | length | tostring) + " changed, " +
			([.functions[] | select(.kind == "new")] | length | tostring) + " new: " +
			([.functions[].name] | .[0:4] | join(" ")) + (if (.functions | length) > 4 then " …" else "" end)
		  else ([(.refusals // [])[] | .code + ": " + (.message | split("\n")[0])] | unique | .[0:2] | join("; ")) end)]
		| @tsv' "$WORK/verdict.json")
	printf '%s\n' "$row" | awk -F'\t' '{ printf "%-16s %-8s %s\n", $1, $2, $3 }'
	jq -c --arg cve "$cve" '{cve: $cve, result, functions: [(.functions // [])[] | {name, kind}],
		refusals: [(.refusals // [])[].code], times, units}' "$WORK/verdict.json" >>"$WORK/rows"
}

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
printf '%d fixes, %d without a verdict\n' "$(wc -l <"$WORK/rows")" "$FAILED"
[ "$FAILED" = 0 ]
