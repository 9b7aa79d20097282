#!/usr/bin/env bash
# The development loop: every save becomes what runs. What does not compile or is refused leaves the
# running code in place; new variables keep their values from save to save; an editor's "save all", a
# checkout by git, and going back to the original work; a loop that was ended is gone on with.
# shellcheck source=lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

# ---- a program of two files and a header --------------------------------------------------------
SOURCES=$WORK/src
mkdir "$SOURCES" "$WORK/build"
cat >"$SOURCES/rules.h" <<'C'
#define BASE 10
struct rules {
	int a;
	int b;
};
extern struct rules rules;
int score(int n);
int bonus(int n);
C
cat >"$SOURCES/rules.c" <<'C'
#include "rules.h"

struct rules rules = {1, 2};

__attribute__((noipa)) int score(int n)
{
	return n + BASE + rules.a;
}
C
cat >"$SOURCES/main.c" <<'C'
#include <stdio.h>
#include <stdlib.h>

#include "rules.h"

__attribute__((noipa)) int bonus(int n)
{
	return n * BASE;
}

int main(void)
{
	char line[64];

	while (fgets(line, sizeof(line), stdin)) {
		int n = atoi(line);

		printf("%d %d\n", score(n), bonus(n));
		fflush(stdout);
	}
	return 0;
}
C
cp -r "$SOURCES" "$WORK/original"
EXE=$WORK/build/prog
for unit in rules main; do
	(cd "$WORK/build" && "${CC:-cc}" -O2 -g -MD -c -o $unit.o "$SOURCES/$unit.c") || die "cannot compile"
	printf '%s{"directory":"%s","command":"%s -O2 -g -MD -c -o %s.o %s","file":"%s","output":"%s.o"}' \
		"$([ $unit = rules ] && echo '[' || echo ',')" "$WORK/build" "${CC:-cc}" $unit "$SOURCES/$unit.c" \
		"$SOURCES/$unit.c" $unit >>"$WORK/build/compile_commands.json"
done
echo ']' >>"$WORK/build/compile_commands.json"
"${CC:-cc}" -o "$EXE" "$WORK/build/rules.o" "$WORK/build/main.o" || die "cannot link"

mkfifo "$WORK/to" "$WORK/from"
LD_PRELOAD=$SUTURE_AGENT "$EXE" <"$WORK/to" >"$WORK/from" 2>"$WORK/prog.err" &
PID=$!
PIDS+=("$PID")
exec {TO}>"$WORK/to" {FROM}<"$WORK/from"
until_true "the agent" serves "$PID"

# ---- the loop -----------------------------------------------------------------------------------
watch() {
	: >"$WORK/loop.err"
	"$SUTURE" watch -C "$WORK/build" --binary "$EXE" -p "$PID" "$@" >"$WORK/loop" 2>"$WORK/loop.err" &
	LOOP=$!
	PIDS+=("$LOOP")
	[[ " $* " == *" --json "* ]] || until_true "the loop" grep -q "^suture: watching" "$WORK/loop.err"
}
answers() { ask "$1" && [ "$ANSWER" = "$2" ]; }
becomes() {     # TEXT EXPECTED: of the question 1
	until_true "$1" answers 1 "$2"
	is "$1" "$2" "$ANSWER"
}
# What the program does is seen before the loop has said so.
until_said() {  # TEXT PATTERN: in the last line
	# shellcheck disable=SC2053  # a pattern
	last_is() { [[ $(tail -n 1 "$WORK/loop") == $1 ]]; }
	until_true "$1" last_is "$2" && pass "$1: $(tail -n 1 "$WORK/loop")"
}
in_force() {    # NAMES
	jq -e --arg names "$1" '[.patches[] | select(.state == "applied") | .name] == ($names | split(" "))' \
		<("$SUTURE" list -p "$PID" --json) >/dev/null
}
said() { grep -q -- "$1" "$WORK/loop.err"; }

watch
is "watches what the program is made from" 3 "$(sed -n 's/^suture: watching \([0-9]*\) files.*/\1/p' "$WORK/loop.err")"
becomes "as it was built" "12 10"

sed -i 's/n + BASE/n + 100 + BASE/' "$SOURCES/rules.c"
becomes "one save" "112 10"
until_said "what it says" "prog (pid $PID): new code runs, 1 function, * after the save, paused *"

printf 'int broken(' >>"$SOURCES/rules.c"
until_true "the compiler's words" said 'error:'
becomes "what does not compile changes nothing" "112 10"
check "and is said" said 'COMPILE_FAILED'

sed -i '/broken/d' "$SOURCES/rules.c"
sed -i 's/int a;/int c; int a;/' "$SOURCES/rules.h"
until_true "the refusal" said 'LAYOUT_CHANGED'
becomes "what is refused changes nothing" "112 10"
cp "$WORK/original/rules.h" "$SOURCES/rules.h"

sed -i 's/return n + 100/static int calls; calls += 1000; return calls + n + 100/' "$SOURCES/rules.c"
becomes_thousands() { ask 1 && [ "${ANSWER%% *}" -gt 1000 ]; }
until_true "a variable that counts" becomes_thousands
COUNTED=${ANSWER%% *}
sed -i 's/n + 100/n + 200/' "$SOURCES/rules.c"
hundreds() { ask 1 && [ $(((${ANSWER%% *} % 1000) / 100)) -eq 2 ]; }
until_true "the next save" hundreds
check "goes on counting" test "${ANSWER%% *}" -gt "$COUNTED"

printf -- '-- save all\n'
cp "$WORK/original/rules.c" "$SOURCES/rules.c"
sed -i 's/n \* BASE/n * BASE + 7/' "$SOURCES/main.c"
sed -i 's/BASE + rules/BASE + 3 + rules/' "$SOURCES/rules.c"
becomes "both files" "15 17"
check "one patch of the loop's" until_true "the patch" in_force watch

printf -- '-- an editor that writes another file and renames it\n'
sed 's/BASE + 7/BASE + 8/' "$SOURCES/main.c" >"$SOURCES/.main.c.swp"
mv "$SOURCES/.main.c.swp" "$SOURCES/main.c"
becomes "renamed over" "15 18"

printf -- '-- ended and begun again\n'
kill -TERM "$LOOP"
wait "$LOOP" 2>/dev/null
becomes "what ran runs" "15 18"
sed -i 's/BASE + 8/BASE + 9/' "$SOURCES/main.c"
watch
becomes "what was saved meanwhile" "15 19"

if command -v git >/dev/null; then
	printf -- '-- a checkout\n'
	git() { command git -C "$SOURCES" -c user.name=t -c user.email=t@example.org -c commit.gpgsign=false "$@" >/dev/null 2>&1; }
	git init -q && git add . && git commit -qm edited
	git checkout -q -b original
	cp "$WORK/original"/* "$SOURCES"
	becomes "by hand back to the original" "12 10"
	git commit -qam original
	git checkout -q - || git checkout -q master
	becomes "a branch" "15 19"
	git checkout -q original
	becomes "and back" "12 10"
else
	cp "$WORK/original"/* "$SOURCES"
	becomes "back to the original" "12 10"
fi
until_said "said" "prog (pid $PID): runs as it was built*"
check "no patch is left" until_true "none" in_force ""

printf -- '-- not beside others\n'
suture watch -C "$WORK/build" --binary "$EXE" -p "$PID"
is "a second loop" "5 AGENT_BUSY" "$RC $(j .error.code)"
kill -TERM "$LOOP"
wait "$LOOP" 2>/dev/null
sed 's/n \* BASE/n * BASE + 5/' "$SOURCES/main.c" >"$WORK/main.c"
diff -u --label a/main.c --label b/main.c "$SOURCES/main.c" "$WORK/main.c" >"$WORK/fix.diff"
DATABASE=$WORK/build build_patch fix "$SOURCES" "$EXE" "$WORK/fix.diff"
step "a fix" 0 '.changed' apply "$WORK/fix.so" -p "$PID"
suture watch -C "$WORK/build" --binary "$EXE" -p "$PID"
is "it would be replaced" "4 DEPENDENCY" "$RC $(j .error.code)"
matches "and it says how" "*--replace*suture revert fix -p $PID" "$(j .error.next)"
becomes "and is not" "12 15"
cp "$WORK/main.c" "$SOURCES/main.c"
watch --replace --json
becomes "with its change in the sources" "12 15"
check "the loop's patch has it now" until_true "the patch" in_force watch
sed -i 's/n \* BASE + 5/n * BASE + 6/' "$SOURCES/main.c"
becomes "and the next save" "12 16"
printf 'int broken(' >>"$SOURCES/main.c"
until_true "what does not compile" grep -q '"COMPILE_FAILED"' "$WORK/loop"
sed 's/^/watch\t/' "$WORK/loop" | /usr/bin/python3 "$ROOT/tests/support/documents.py" "$ROOT/docs/protocol.schema.json" >"$WORK/judged" 2>&1
case $? in
0) pass "its documents are those of the schema" ;;
77) cat "$WORK/judged" ;;
*) fail "its documents differ from the schema"; cat "$WORK/judged" "$WORK/loop" ;;
esac
check "and tell how long after the save" jq -e -s 'any(.[]; .since_save_us > 0)' "$WORK/loop"
kill -TERM "$LOOP"
wait "$LOOP" 2>/dev/null
exec {TO}>&- {FROM}<&-
wait "$PID"
totals
