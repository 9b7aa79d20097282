#!/usr/bin/env bash
# A diff in every form in which one arrives: git's and diff's, with and without prefixes, names in brackets of
# mail, moved and new and deleted files, DOS line ends, no newline at the end; and what can't be honoured is
# refused with the file's name, the tree untouched.
# shellcheck source=lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"
need gcc git jq diff

TREE=$WORK/tree
mkdir -p "$TREE/src"
printf '%s\n' 'int bonus(int value)' '{' '	int base = value * 3;' '' '	return base + 1;' '}' >"$TREE/src/bonus.c"
printf 'int plain(int value)\n{\n	return value * 5;\n}' >"$TREE/src/open.c" # no newline at the end
printf '%s\r\n' 'int dos(int value)' '{' '	int base = value * 9;' '' '	return base;' '}' >"$TREE/src/dos.c"
cat >"$TREE/src/main.c" <<'END'
#include <stdio.h>
#include "level.h"
int bonus(int value);
int plain(int value);
int dos(int value);
int main(void)
{
	printf("%d\n", bonus(3) + plain(LEVEL) + dos(2));
	return 0;
}
END
echo '#define LEVEL 4' >"$TREE/src/level.h"
: >"$WORK/commands"
for unit in bonus open dos main; do
	(cd "$TREE" && gcc -O1 -c "src/$unit.c" -o "$unit.o") || die "no $unit.o"
	jq -n --arg dir "$TREE" --arg unit "$unit" \
		'{directory: $dir, command: "gcc -O1 -c src/\($unit).c -o \($unit).o", file: "src/\($unit).c", output: "\($unit).o"}' \
		>>"$WORK/commands"
done
jq -s . "$WORK/commands" >"$TREE/compile_commands.json"
(cd "$TREE" && gcc -Wl,--build-id -o game bonus.o open.o dos.o main.o) || die "no game"
(cd "$TREE" && printf '*.o\ngame\ncompile_commands.json\n' >.gitignore && git init -q . && git add -A &&
	git -c user.name=t -c user.email=t@t commit -qm start) || die "no repository"
digest() { (cd "$TREE" && find . -path ./.git -prune -o -type f -print0 | sort -z | xargs -0 sha256sum | sha256sum); }
BEFORE=$(digest)

# form TEXT EXPECTED DIFF [OPTION…]: "patch FUNCTION…", "nothing" or "CODE pattern"
form() {
	local text=$1 expected=$2 diff=$3 got
	shift 3
	rm -f "$WORK/fix.so"
	suture build -C "$TREE" --source "$TREE" --binary "$TREE/game" -o "$WORK/fix.so" --name fix "$@" "$diff"
	got=$(j 'if .result == "patch" then "patch " + ([.functions[].name] | sort | join(" "))
		elif .result == "nothing" then "nothing"
		else [.refusals[]?, .error // empty | .code + " " + .message] | join("; ") end')
	matches "$text" "$expected" "$(tr '\n' ' ' <<<"$got" | sed 's/ $//')"
	[ "$(digest)" = "$BEFORE" ] || { fail "$text: the tree was changed"; BEFORE=$(digest); }
}

# change COMMAND…: what it does to a copy of the tree, as git and diff say it
change() {
	rm -rf "$WORK/new" && cp -r "$TREE" "$WORK/new" && (cd "$WORK/new" && eval "$1")
	(cd "$WORK/new" && git add -A && git diff --cached) >"$WORK/git.diff"
}

change "sed -i 's/base + 1/base + 100/' src/bonus.c"
form "git diff" "patch bonus" "$WORK/git.diff"
(cd "$WORK/new" && git diff --cached --no-prefix) >"$WORK/p0.diff"
form "without prefixes" "patch bonus" "$WORK/p0.diff"
(cd "$WORK/new" && git diff --cached --src-prefix=old/ --dst-prefix=new/) >"$WORK/prefix.diff"
form "with other prefixes" "patch bonus" "$WORK/prefix.diff"
(cd "$WORK/new" && git diff --cached -U0) >"$WORK/u0.diff"
form "without context" "patch bonus" "$WORK/u0.diff"
(cd "$WORK/new" && git -c user.name=t -c user.email=t@t commit -qm 'Better bonus' && git format-patch -1 --stdout) >"$WORK/mail.diff"
form "a mail" "patch bonus" "$WORK/mail.diff"
(cd "$WORK" && diff -u tree/src/bonus.c new/src/bonus.c) >"$WORK/u.diff"
form "diff -u of two trees" "patch bonus" "$WORK/u.diff"
(cd "$WORK" && diff -ru tree/src new/src) >"$WORK/ru.diff"
form "diff -ru" "patch bonus" "$WORK/ru.diff"
(cd "$TREE/src" && diff -u bonus.c ../../new/src/bonus.c | sed '2s/.*/+++ bonus.c/') >"$WORK/near.diff"
form "named from within src, root said" "patch bonus" "$WORK/near.diff" --source "$TREE/src"
(cd "$WORK" && diff -c tree/src/bonus.c new/src/bonus.c) >"$WORK/c.diff"
form "diff -c" "DIFF_FAILED *unified*" "$WORK/c.diff"
sed 's/$/\r/' "$WORK/git.diff" >"$WORK/crlf.diff"
form "mangled into DOS lines" "*" "$WORK/crlf.diff"

change "sed -i 's/base;/base + 7;/' src/dos.c"
form "a source of DOS lines" "patch dos" "$WORK/git.diff"
change "printf 'int plain(int value)\n{\n	return value * 6;\n}' >src/open.c"
form "no newline at the end" "patch plain" "$WORK/git.diff"
change "printf '\n' >>src/open.c"
form "a newline at the end, nothing else" "nothing" "$WORK/git.diff"

change "sed -i 's/base + 1/extra(base)/; 1i #include \"extra.h\"' src/bonus.c; echo 'static inline int extra(int v) { return v * 11; }' >src/extra.h"
form "a new header" "patch bonus" "$WORK/git.diff"
change "git mv src/level.h src/grade.h; sed -i 's/level.h/grade.h/' src/main.c"
form "a header moved" "nothing" "$WORK/git.diff"
change "echo 'int spare(int v) { return v; }' >src/spare.c"
form "a new source that nothing uses" "nothing" "$WORK/git.diff"
check "a new source: said to have no command" grep -q 'spare.c' "$ERR"
change "echo 'int spare(int v) { return v; }' >src/spare.c; sed -i 's/base + 1/spare(base)/; 1i int spare(int v);' src/bonus.c"
form "a new source that changed code needs" "UNRESOLVED_SYMBOL *spare*src/spare.c*nothing compiles*" "$WORK/git.diff"
change "git rm -q src/dos.c"
form "a source of the program removed" "UNSUPPORTED *dos.c*removes*" "$WORK/git.diff"
change "printf 'a\0b' >src/icon.bin"
(cd "$WORK/new" && git diff --cached --binary) >"$WORK/binary.diff"
form "a binary file" "DIFF_FAILED *binary file: a/src/icon.bin*" "$WORK/binary.diff"

: >"$WORK/empty.diff"
form "an empty file" "*" "$WORK/empty.diff"
echo 'this is no diff' >"$WORK/text.diff"
form "no diff at all" "DIFF_FAILED *" "$WORK/text.diff"
form "no such file" "*none.diff*" "$WORK/none.diff"
change "sed -i 's/base + 1/base + 100/' src/bonus.c"
sed 's/base = value/base = other/' "$WORK/git.diff" >"$WORK/misfit.diff"
form "a diff for another tree" "DIFF_FAILED *bonus.c*" "$WORK/misfit.diff"
head -n -3 "$WORK/git.diff" >"$WORK/cut.diff"
form "a diff that is cut off" "DIFF_FAILED *" "$WORK/cut.diff"
totals
