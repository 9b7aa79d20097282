#!/bin/bash
# The builder's verdict on each of the arena's diffs, on a copy of the arena: exit code, document, file
# written or not, and the user's tree the same to the byte. Two builds of one diff are the same file.
#
# SUTURE_BUILD: the program. Exit code 0 passed, 1 failed, 77 skipped.
set -u

fail() {
	echo "FAIL: $*" >&2
	FAILED=1
}
FAILED=0

for tool in cmake ninja jq patch gcc; do
	command -v "$tool" >/dev/null || { echo "SKIP: no $tool here"; exit 77; }
done
SUTURE_BUILD=${SUTURE_BUILD:-$(dirname "$0")/../../build/bin/suture-build}
[ -x "$SUTURE_BUILD" ] || { echo "SKIP: no suture-build at $SUTURE_BUILD"; exit 77; }
arena=$(cd "$(dirname "$0")/../../patches/arena" && pwd) || exit 1
WORK=$(mktemp -d "${TMPDIR:-/tmp}/suture-verdicts.XXXXXX") || exit 1
trap 'rm -rf "$WORK"' EXIT
trap 'exit 143' INT TERM
mkdir "$WORK/tmp" "$WORK/out"
export TMPDIR="$WORK/tmp" XDG_CACHE_HOME="$WORK/cache"

# The path has a blank in it, and the build folder is outside of the sources.
cp -r "$arena" "$WORK/the arena" || exit 1
cmake -S "$WORK/the arena" -DSUTURE_INCLUDE="$arena/../../include" -B "$WORK/build" -G Ninja -DCMAKE_EXPORT_COMPILE_COMMANDS=ON \
	>"$WORK/log" 2>&1 && ninja -C "$WORK/build" arena-server >>"$WORK/log" 2>&1 ||
	{ cat "$WORK/log"; exit 1; }

digest() {
	(cd "$1" && find . -type f -print0 | sort -z | xargs -0 sha256sum | sha256sum)
}

# verdict DIFF EXIT-CODE JQ-FILTER [OPTION…]: the filter must be true of the document.
verdict() {
	local diff=$1 expected=$2 filter=$3 code before after
	local name
	shift 3
	name=$(basename "$diff" .diff)
	rm -f "$WORK/out/$name.so"
	before=$(digest "$WORK/the arena"; digest "$WORK/build")
	"$SUTURE_BUILD" -C "$WORK/build" --binary "$WORK/build/arena-server" -q --json \
		-o "$WORK/out/$name.so" "$@" "$diff" >"$WORK/json" 2>"$WORK/err"
	code=$?
	after=$(digest "$WORK/the arena"; digest "$WORK/build")
	[ "$code" = "$expected" ] || { fail "$name: exit code $code, not $expected"; cat "$WORK/err"; }
	jq -e "$filter" "$WORK/json" >/dev/null || { fail "$name: not $filter"; cat "$WORK/json"; }
	[ "$before" = "$after" ] || fail "$name: a tree was changed"
	if [ "$expected" = 0 ]; then
		[ -s "$WORK/out/$name.so" ] || fail "$name: no file"
	else
		[ ! -e "$WORK/out/$name.so" ] || fail "$name: a file was written"
	fi
	[ -z "$(ls -A "$WORK/tmp")" ] || fail "$name: left behind: $(ls -A "$WORK/tmp")"
}

functions() {
	printf '([.functions[] | select(.kind != "new") | .name] | sort) == %s' "$1"
}

diffs=$arena/diffs
verdict "$diffs/coin-dup.diff" 0 "$(functions '["trade_move_coin"]')"
verdict "$diffs/leaderboard-ties.diff" 0 "$(functions '["leaderboard_compare"]')"
# Inlined into its callers: they are what changes.
verdict "$diffs/pathing.diff" 0 "$(functions '["path_flood","path_next"]')"
jq -e '[.functions[] | select(.kind == "inlined" and .because == "can_step was inlined into it")] | length == 2' \
	"$WORK/json" >/dev/null || fail "pathing: not said to be inlined: $(jq -c .functions "$WORK/json")"
verdict "$diffs/trade-limit.diff" 0 \
	'([.functions[] | select(.kind == "new")] | length) >= 1 and ([.data[] | select(.kind == "new")] | length) == 1'
verdict "$diffs/comment-only.diff" 10 '.result == "nothing" and .functions == []'
verdict "$diffs/comment-lines.diff" 10 '.result == "nothing"'
verdict "$diffs/data-initial.diff" 4 '.result == "refused" and .refusals[0].code == "DATA_CHANGED"'
verdict "$diffs/data-initial.diff" 0 '.data[0].kind == "set"' --data player_start_coin=set
verdict "$diffs/layout-coin-last.diff" 4 \
	'[.refusals[] | select(.code == "LAYOUT_CHANGED" and (.message | test("struct player")))] | length == 1'
verdict "$diffs/prices.diff" 0 '[.data[] | select(.kind == "const" and .name == "shop_items")] | length == 1'

# The same input makes the same bytes, in another temporary folder, with objects compiled or cached.
cp "$WORK/out/coin-dup.so" "$WORK/first.so"
verdict "$diffs/coin-dup.diff" 0 true --no-cache -j 1
cmp -s "$WORK/first.so" "$WORK/out/coin-dup.so" || fail "two builds of one diff differ"

# Without a diff: the whole binary is proved, and no file is written.
prepare() {     # EXIT-CODE JQ-FILTER [OPTION…]
	local expected=$1 filter=$2 code before after
	shift 2
	before=$(digest "$WORK/the arena"; digest "$WORK/build")
	"$SUTURE_BUILD" -C "$WORK/build" --binary "$WORK/build/arena-server" -q --json --prepare "$@" \
		>"$WORK/json" 2>"$WORK/err"
	code=$?
	after=$(digest "$WORK/the arena"; digest "$WORK/build")
	[ "$code" = "$expected" ] || { fail "prepare $*: exit code $code, not $expected"; cat "$WORK/err"; }
	jq -e "$filter" "$WORK/json" >/dev/null || { fail "prepare $*: not $filter"; cat "$WORK/json"; }
	[ "$before" = "$after" ] || fail "prepare $*: a tree was changed"
	[ -z "$(ls -A "$WORK/tmp")" ] || fail "prepare $*: left behind: $(ls -A "$WORK/tmp")"
}
prepare 0 '.result == "prepared" and .functions == [] and .verified.different == 0 and .verified.exact > 100'
prepare 0 '.units.compiled == 0 and .units.cached == .units.affected'
[ ! -e arena-server.so ] || fail "prepare: a file was written"
grep -q 'arena-server is what this tree makes' "$WORK/err" || fail "prepare: says $(cat "$WORK/err")"
prepare 2 '.error.code == "USAGE"' "$diffs/coin-dup.diff"
prepare 2 '.error.code == "USAGE"' --sign key
sed -i 's/return shop_items\[item\].price;/return shop_items[item].price + 1;/' "$WORK/the arena/server/shop.c"
prepare 4 '[.refusals[] | select(.code == "VERIFY_MISMATCH" and (.message | test("shop_price")))] | length >= 1'
sed -i 's/return shop_items\[item\].price + 1;/return shop_items[item].price;/' "$WORK/the arena/server/shop.c"

# A diff that is in the sources already, one that does not fit, one that leads out of the tree.
patch -s -R -f --dry-run -p1 -d "$WORK/the arena" <"$diffs/coin-dup.diff" >/dev/null 2>&1 &&
	fail "coin-dup.diff could be taken out before it was put in"
sed 's/^-/-x/' "$diffs/coin-dup.diff" >"$WORK/misfit.diff"
sed -i 's/^-x-- /--- /' "$WORK/misfit.diff"
verdict "$WORK/misfit.diff" 4 '.refusals[0].code == "DIFF_FAILED"'
sed 's|^--- a/|--- a/../|; s|^+++ b/|+++ b/../|' "$diffs/coin-dup.diff" >"$WORK/escape.diff"
verdict "$WORK/escape.diff" 4 '.refusals[0].code == "DIFF_FAILED" and (.refusals[0].message | test("leads out"))'

# Other code than the binary's: one constant edited in the tree after the build.
cp "$WORK/the arena/server/shop.c" "$WORK/shop.c"
sed -i 's/return shop_items\[item\].price;/return shop_items[item].price + 1;/' "$WORK/the arena/server/shop.c"
(cd "$WORK" && mkdir -p a/server b/server && cp "the arena/server/shop.c" a/server/ &&
	sed 's/price + 1;/price + 2;/' a/server/shop.c >b/server/shop.c &&
	diff -u a/server/shop.c b/server/shop.c >edited.diff)
verdict "$WORK/edited.diff" 4 '[.refusals[] | select(.code == "VERIFY_MISMATCH")] | length >= 1'
cp "$WORK/shop.c" "$WORK/the arena/server/shop.c"

# The review page: for a patch and for a refusal, complete in itself.
page() {        # DIFF EXIT-CODE TEXT…
	local diff=$1 expected=$2 text
	shift 2
	verdict "$diffs/$diff.diff" "$expected" true --report "$WORK/page.html"
	for text in '<!DOCTYPE html>' '</html>' 'class="add"' "$@"; do
		grep -qF -- "$text" "$WORK/page.html" || fail "$diff: the page has no $text"
	done
	! grep -qE '<script|<link|src=|https?:' "$WORK/page.html" || fail "$diff: the page needs other files"
}
page pathing 0 '<a href="#hunk-1">' 'id="hunk-1"' 'can_step was inlined into it' 'Stack check'
page prices 0 'it reads shop_items' 'constant, replaced in place'
page layout-coin-last 4 LAYOUT_CHANGED 'as it runs'

# What can't be honoured is not ignored.
verdict "$diffs/coin-dup.diff" 4 '.error.code == "BAD_INPUT" and (.error.message | contains("key"))' --sign "$WORK/key"
verdict "$diffs/coin-dup.diff" 2 '.error.code == "USAGE"' --name '../x'

# Ended in the middle: nothing stays, nothing is written.
rm -f "$WORK/out/layout-coin-last.so"
for _ in 1 2 3; do
	"$SUTURE_BUILD" -C "$WORK/build" --binary "$WORK/build/arena-server" -q --no-cache \
		-o "$WORK/out/killed.so" "$diffs/layout-coin-last.diff" >"$WORK/json" 2>"$WORK/err" &
	pid=$!
	sleep "0.$((RANDOM % 4))$((RANDOM % 10))"
	kill -TERM "$pid" 2>/dev/null
	wait "$pid"
	[ -z "$(ls -A "$WORK/tmp")" ] || fail "killed: left behind: $(ls -A "$WORK/tmp")"
	[ ! -e "$WORK/out/killed.so" ] || fail "killed: a file was written"
done

# Killed without a chance to clean up: the trees are as they were, and no half a patch lies there.
before=$(digest "$WORK/the arena"; digest "$WORK/build")
for _ in 1 2 3 4; do
	setsid "$SUTURE_BUILD" -C "$WORK/build" --binary "$WORK/build/arena-server" -q --no-cache \
		-o "$WORK/out/killed.so" "$diffs/layout-coin-last.diff" >/dev/null 2>&1 &
	pid=$!
	sleep "0.$((RANDOM % 4))$((RANDOM % 10))"
	kill -KILL "$pid" 2>/dev/null
	wait "$pid" 2>/dev/null
done
[ "$before" = "$(digest "$WORK/the arena"; digest "$WORK/build")" ] || fail "killed: a tree was changed"
[ ! -e "$WORK/out/killed.so" ] || fail "killed: a file was written"

[ "$FAILED" = 0 ] && echo "passed"
exit "$FAILED"
