#!/usr/bin/env bash
# Patches on patches: three of them, each built on those below, over two files of one program; what is
# refused when the order, the file or the sources are not what they should be. Then all are reverted from
# the top down.
# shellcheck source=lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

need patch diff
DIR=$WORK/project
SOURCE=$DIR/source
mkdir -p "$SOURCE"
cp "$ROOT/tests/corpus/main.c" "$SOURCE/"

cat >"$SOURCE/rules.h" <<'EOF'
int fee(int value);
int reward(int value);
EOF
cat >"$SOURCE/fee.c" <<'EOF'
#include "rules.h"

int fee(int value)
{
	return value % 1000 / 10;
}
EOF
cat >"$SOURCE/play.c" <<'EOF'
#include "rules.h"

#include <stdio.h>

__attribute__((noinline)) int reward(int value)
{
	static int given;

	return value % 1000 * 2 + ++given * 10000;
}

void play(int value, char *out, size_t size);
void play(int value, char *out, size_t size)
{
	int paid = fee(value);

	snprintf(out, size, "%d %d", reward(value), paid);
}
EOF

commands=()
objects=()
for source in main fee play; do
	(cd "$DIR" && "${CC:-cc}" -O2 -c "$SOURCE/$source.c" -o "$source.o") || die "cannot compile"
	objects+=("$DIR/$source.o")
	commands+=("{\"directory\":\"$DIR\",\"file\":\"$SOURCE/$source.c\",\"output\":\"$source.o\",\"command\":\"${CC:-cc} -O2 -c $SOURCE/$source.c -o $source.o\"}")
done
(IFS=,; printf '[%s]\n' "${commands[*]}") >"$DIR/compile_commands.json"
"${CC:-cc}" -Wl,--build-id -o "$DIR/target-stack" "${objects[@]}" || die "cannot link"

# edited NAME SED…: the diff from the sources as the last diff left them to what sed makes of them.
cp -r "$SOURCE" "$WORK/b"
edited() {
	local name=$1 expression
	shift
	rm -rf "$WORK/a"
	cp -r "$WORK/b" "$WORK/a"
	for expression in "$@"; do
		sed -i "${expression#*:}" "$WORK/b/${expression%%:*}" || die "cannot edit"
	done
	(cd "$WORK" && diff -urN a b) >"$WORK/$name.diff"
	[ -s "$WORK/$name.diff" ] || die "$name edits nothing"
}
build() {       # NAME EXIT-CODE CONDITION [OPTION…]
	local name=$1 code=$2 condition=$3
	shift 3
	step "build $name $*" "$code" "$condition" build -C "$DIR" --source "$SOURCE" --binary "$DIR/target-stack" \
		-o "$WORK/$name.so" --name "$name" "$@" "$WORK/$name.diff"
}

# One adds a function and a variable to one file; two uses both from the other file, three edits both.
edited one 'rules.h:$a int tip(int value);\nextern int tips;' \
	'fee.c:s/^int fee/int tips = 100;\n\nint tip(int value)\n{\n\treturn value % 7 + tips++;\n}\n\nint fee/' \
	'fee.c:s|value % 1000 / 10|value % 1000 / 10 + tip(value)|'
edited two 'play.c:s/int paid = fee(value);/int paid = fee(value) + tip(value) + tips * 100000;/' \
	'play.c:s/ \* 2 + ++given/ * 3 + ++given/'
edited three 'fee.c:s|value % 1000 / 10 + tip|value % 1000 / 5 + tip|' \
	'play.c:s/ \* 3 + ++given/ * 4 + ++given/'

build one 0 '[.functions[].name] | contains(["fee"])'
build two 4 '.refusals[0].code == "DIFF_FAILED" or .refusals[0].code == "COMPILE_FAILED"'
build two 0 '[.functions[] | select(.kind != "new") | .name] == ["play","reward"]' --on "$WORK/one.so"
build three 4 '.refusals[0].code == "DEPENDENCY"' --on "$WORK/two.so"
build three 4 '.refusals[0].code == "DEPENDENCY"' --on "$WORK/two.so" --on "$WORK/one.so"
build three 0 '[.functions[] | select(.kind != "new") | .name] | contains(["fee","reward"])' --on "$WORK/one.so" --on "$WORK/two.so"
build three 4 '.refusals[0].code == "BAD_PATCH_FILE"' --on "$DIR/target-stack"

# Side by side: two patches that know nothing of each other, a third one on both. Only where they change
# different files.
cp -r "$WORK/b" "$WORK/chain"
rm -rf "$WORK/b"
cp -r "$SOURCE" "$WORK/b"
edited left 'fee.c:s|value % 1000 / 10|value % 1000 / 10 + 7|'
rm -rf "$WORK/b"
cp -r "$SOURCE" "$WORK/b"
edited right 'play.c:s/ \* 2 + ++given/ * 3 + ++given/'
sed -i 's|value % 1000 / 10|value % 1000 / 10 + 7|' "$WORK/b/fee.c"
edited both 'fee.c:s|/ 10 + 7|/ 10 + 8|' 'play.c:s/ \* 3 + ++given/ * 4 + ++given/'
rm -rf "$WORK/b"
cp -r "$SOURCE" "$WORK/b"
edited same 'fee.c:s|value % 1000 / 10|value % 1000 / 10 + 9|'
rm -rf "$WORK/b"
mv "$WORK/chain" "$WORK/b"
build left 0 '[.functions[].name] == ["fee"]'
build right 0 '[.functions[].name] == ["reward"]'
build same 0 '[.functions[].name] == ["fee"]'
build both 0 '[.functions[].name] == ["fee","reward"]' --on "$WORK/left.so" --on "$WORK/right.so"
cp "$WORK/both.so" "$WORK/one-way.so"
for name in left right; do patch -s -p1 -d "$SOURCE" <"$WORK/$name.diff"; done
build both 0 '.result == "patch"' --on "$WORK/left.so" --on "$WORK/right.so"
check "the same patch with the diffs below in the sources" cmp "$WORK/both.so" "$WORK/one-way.so"
for name in left right; do patch -s -R -p1 -d "$SOURCE" <"$WORK/$name.diff"; done
build both 4 '.refusals[0].code == "DEPENDENCY" and (.refusals[0].message | test("left.*fee.c"))' \
	--on "$WORK/left.so" --on "$WORK/same.so"

target_start() { TARGET_BIN=$DIR target_with_agent stack; }
target_start
step 'both waits for left and right' 4 '.error.code == "DEPENDENCY"' apply "$WORK/one-way.so" -p "$PID"
step 'apply left' 0 '.changed == true' apply "$WORK/left.so" -p "$PID"
step 'both waits for right' 4 '.error.code == "DEPENDENCY" and (.error.next | test("right"))' apply "$WORK/one-way.so" -p "$PID"
step 'apply right' 0 '.changed == true' apply "$WORK/right.so" -p "$PID"
says 'left and right' 5 '10015 7'
step 'apply both' 0 '.changed == true' apply "$WORK/one-way.so" -p "$PID"
says 'both' 5 '20020 8'
step 'left carries both' 4 '.error.code == "DEPENDENCY"' revert left -p "$PID"
for name in both right left; do step "revert $name" 0 '.changed == true' revert $name -p "$PID"; done
target_end

target_start
says 'as built' 5 '10010 0'
step 'two waits for one' 4 '.error.code == "DEPENDENCY" and (.error.next | test("one"))' apply "$WORK/two.so" -p "$PID"
step 'apply one' 0 '.changed == true' apply "$WORK/one.so" -p "$PID"
says 'with one' 5 '20010 105'
step 'apply two' 0 '.changed == true' apply "$WORK/two.so" -p "$PID"
# fee: 0 + 5 + 101, tips 102; tip: 5 + 102, tips 103
says 'with two' 5 '30015 10300213'
step 'apply three' 0 '.changed == true' apply "$WORK/three.so" -p "$PID"
# fee: 1 + 5 + 103, tips 104; tip: 5 + 104, tips 105
says 'with three' 5 '40020 10500218'
step 'one carries two' 4 '.error.code == "DEPENDENCY" and (.error.next | test("two|three"))' revert one -p "$PID"
step 'two carries three' 4 '.error.code == "DEPENDENCY" and (.error.next | test("three"))' revert two -p "$PID"
step 'revert three' 0 '.changed == true' revert three -p "$PID"
step 'replacing what it is built on' 4 '.error.code == "DEPENDENCY"' apply "$WORK/three.so" -p "$PID" --replace
says 'two again' 5 '50015 10700221'
step 'revert two' 0 '.changed == true' revert two -p "$PID"
says 'one again' 5 '60010 112'
step 'revert one' 0 '.changed == true' revert one -p "$PID"
says 'as built again' 5 '70010 0'
target_end

# Another tree than the one that the patch below was made in; a file that says what it is not.
sed -i 's/given \* 10000/given * 20000/' "$SOURCE/play.c"
build two 4 '[.refusals[].code] | any(. == "VERIFY_MISMATCH")' --on "$WORK/one.so"
sed -i 's/given \* 20000/given * 10000/' "$SOURCE/play.c"
sed 's/value % 7 + tips/value % 9 + tips/' "$WORK/one.so" >"$WORK/other.so"
build two 4 '[.refusals[].code] | any(. == "VERIFY_MISMATCH")' --on "$WORK/other.so"
totals
