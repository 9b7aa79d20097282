#!/usr/bin/env bash
# The corpus: small programs and what suture makes of a diff to them, live where there is a patch.
# run.sh COMPILER LEVEL [CASE…], COMPILER gcc or clang, LEVEL -O0, -O2 …
#
# SUTURE_CORPUS_DRY=1: nothing is applied, the verdicts are all.
#
# A case is a folder of cases/ with its sources, edit.diff and `expect`, lines of a word and a text. With
# again.diff, for the same sources, that one is applied after it with --replace; with on.diff, for the patched
# sources, that one is built --on it and applied on top.
#   verdict patch|nothing|CODE      CODE: refused with it
#   functions KIND:NAME …           the exact set, sorted
#   idle NAME …                     what must be idle besides, sorted
#   next TEXT                       a refusal says it, in its message or in what to do
#   flags FLAG…  link FLAG…         besides the level; only gcc|clang: skipped with the other
#   of CASE                         has that one's sources
#   needs PROGRAM                   skipped where it is not installed
#   skip REASON                     usually for one compiler and level
#   library                         sources lib*.c* make a shared object, which is the one patched
#   option OPTION…                  of suture build, quoted as for a shell
#   reapplied                       asked when it is applied once more after that
#   json EXPRESSION                 of jq, holds for the document of the build, one a line
#   page TEXT                       that of --report has it, one a line
#   text TEXT                       what is printed without --json has it, one a line
#   before LINE|ANSWER              asked of the program before the patch, in this order;
#   after, replaced, reverted       the same later: one process from the first to the last
#   on-functions KIND:NAME …        of the patch that on.diff makes; on-verdict CODE: it is refused
#   on, under                       asked with that one, and when it is reverted again
#   replace CODE                    instead of `replaced`: --replace is refused with it
# shellcheck source=../e2e/lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/../e2e/lib.sh"

CORPUS=$ROOT/tests/corpus
COMPILER=$1
LEVEL=$2
shift 2
need "$COMPILER" "${COMPILER/gcc/g++}"

# A word may have the compiler, the level or both behind it: verdict-gcc, functions-O0, next-clang-O2.
field() {
	local word
	for word in "$1-$COMPILER$LEVEL" "$1-$COMPILER" "$1$LEVEL" "$1"; do
		if has "$word"; then
			sed -n "s/^$word\( \{1,\}\|$\)//p" "$CASE/expect"
			return
		fi
	done
}
has() { grep -q -E "^$1( |$)" "$CASE/expect"; }

# What is asked of the running program in a phase.
phase() {
	local line
	while IFS= read -r line; do
		says "$NAME $1 ${line%%|*}" "${line%%|*}" "${line#*|}"
	done < <(field "$1")
}

compile() {     # SOURCE: enters its command into compile_commands.json
	local source=$1 driver=$COMPILER own=$FLAGS object
	case $source in
	*.cpp)
		driver=$COMPILER++
		[ "$COMPILER" != gcc ] || driver=g++
		;;
	*) own=${own//-std=c++20/} ;;
	esac
	object=${source#"$DIR/source/"}
	object=${object//\//_}.o
	# shellcheck disable=SC2086
	(cd "$DIR" && "$driver" $own -c "$source" -o "$object") || return 1
	COMMANDS+=("$(printf '{"directory":"%s","command":"%s %s -c %s -o %s","file":"%s","output":"%s"}' \
		"$DIR" "$driver" "$own" "$source" "$object" "$source" "$object")")
	case $(basename "$source") in
	lib*) [ -z "$LIBRARY" ] || { SHARED+=("$object"); return 0; } ;;
	esac
	OBJECTS+=("$object")
}

make_case() {
	local source flags=() IFS=' '
	DIR=$WORK/$NAME
	COMMANDS=() OBJECTS=() SHARED=()
	mkdir -p "$DIR/source"
	[ -z "$(field of)" ] || cp "$CORPUS/cases/$(field of)"/*.{c,cpp,h} "$DIR/source/" 2>/dev/null
	cp -r "$CASE"/* "$CORPUS/main.c" "$DIR/source/"
	LIBRARY=$(has library && echo yes)
	FLAGS="$LEVEL $(field flags)"
	[ -z "$LIBRARY" ] || FLAGS="$FLAGS -fPIC"
	for source in "$DIR"/source/*.c "$DIR"/source/*/*.c "$DIR"/source/*.cpp "$DIR"/source/*/*.cpp; do
		[ ! -f "$source" ] || compile "$source" || return 1
	done
	(IFS=,; printf '[%s]\n' "${COMMANDS[*]}") >"$DIR/compile_commands.json"
	read -ra flags < <(field link)
	cd "$DIR" || return 1
	BINARY=$DIR/target-case
	if [ -n "$LIBRARY" ]; then
		BINARY=$DIR/libcase.so
		"$LINKER" -shared -Wl,--build-id "${flags[@]}" -o libcase.so "${SHARED[@]}" || return 1
		flags=(-L. -lcase "-Wl,-rpath,$DIR")
	fi
	"$LINKER" -Wl,--build-id -o target-case "${OBJECTS[@]}" "${flags[@]}" -pthread
}

check_document() {
	local condition
	while IFS= read -r condition; do
		check "$NAME: $condition" jq -e "$condition" "$OUT"
	done < <(field json)
}

check_text() {
	local line
	has 'text[^ ]*' || return 0
	"$SUTURE" build -C "$DIR" --source "$DIR/source" --binary "$BINARY" -o "$DIR/text.so" \
		"$CASE/edit.diff" >"$DIR/text" 2>&1
	while IFS= read -r line; do
		check "$NAME: says $line" grep -q -F "$line" "$DIR/text"
	done < <(field text)
}

# The list of functions as the case writes it.
built_functions() { j '[.functions[] | .kind + ":" + .name] | sort | join(" ")'; }

check_refusal() {
	local text
	is "$NAME: refused with" "$1" "$(j '[.refusals[].code, .error.code] | map(select(. != null)) | unique | join(" ")')"
	text=$(j '[.refusals[] | .message + " " + .next] | join(" ")')
	! has next || matches "$NAME: says" "*$(field next)*" "$text"
	is "$NAME: exit code" 4 "$RC"
	text=$(j '[.refusals[]?.next // "" | split("suture-handover(7)") | length] | max // 0')
	check "$NAME: hands over once" test "${text:-0}" -le 2
	check_document
}

build_case() {  # DIFF OUTPUT [OPTION…]
	local diff=$1 output=$2
	shift 2
	suture build -C "$DIR" --source "$DIR/source" --binary "$BINARY" -o "$output" --name "${NAMED:-case}" \
		--report "$DIR/page.html" "$@" "$diff"
}

check_replace() {
	build_case "$CASE/again.diff" "$DIR/again.so"
	is "$NAME: verdict of again.diff" patch "$(j .result)"
	if has replace; then
		step "$NAME: no replace" 4 ".error.code == \"$(field replace)\"" apply "$DIR/again.so" -p "$PID" --replace
	else
		step "$NAME: replace" 0 '.changed == true' apply "$DIR/again.so" -p "$PID" --replace
		phase replaced
	fi
}

# Built twice: from the sources as the binary was built from them, and with edit.diff in them.
check_on() {
	local NAMED=top functions
	functions=$(field on-functions)
	build_case "$CASE/on.diff" "$DIR/top.so" --on "$DIR/case.so"
	if has on-verdict; then
		is "$NAME: on.diff is refused with" "$(field on-verdict)" "$(j '[.refusals[].code, .error.code] | map(select(. != null)) | unique | join(" ")')"
		return
	fi
	is "$NAME: verdict of on.diff" patch "$(j .result)"
	[ "$RC" -eq 0 ] || { j '.refusals, .error' | head -n 12; return 1; }
	[ -z "$functions" ] || is "$NAME: functions of on.diff" "$functions" "$(built_functions)"
	patch -s -p1 -d "$DIR/source" <"$CASE/edit.diff"
	build_case "$CASE/on.diff" "$DIR/top2.so" --on "$DIR/case.so"
	is "$NAME: on.diff with edit.diff in the sources" patch "$(j .result)"
	check "$NAME: the same patch" cmp "$DIR/top.so" "$DIR/top2.so"
	patch -s -R -p1 -d "$DIR/source" <"$CASE/edit.diff"
	step "$NAME: apply on top" 0 '.changed == true' apply "$DIR/top.so" -p "$PID"
	phase on
	step "$NAME: what is below stays" 4 '.error.code == "DEPENDENCY"' revert case -p "$PID"
	step "$NAME: revert the top" 0 '.changed == true' revert top -p "$PID"
	phase under
}

check_patch() {
	local functions condition
	functions=$(field functions)
	is "$NAME: verdict" patch "$(j .result)"
	if [ "$RC" -ne 0 ]; then
		j '.refusals, .error' | head -n 12
		return 1
	fi
	[ -z "$functions" ] || is "$NAME: functions" "$functions" "$(built_functions)"
	check_document
	while IFS= read -r condition; do
		check "$NAME: the page has $condition" grep -q -F "$condition" "$DIR/page.html"
	done < <(field page)
	check_text
	[ -z "$(field idle)" ] || is "$NAME: idle" "$(field idle)" "$(j '[.idle[].name] | sort | join(" ")')"
	has before && [ -z "${SUTURE_CORPUS_DRY:-}" ] || return 0
	TARGET_BIN=$DIR # of target()
	target_with_room "$DIR/case.so" case
	phase before
	step "$NAME: apply" 0 '.changed == true' apply "$DIR/case.so" -p "$PID" || { target_end; return 1; }
	phase after
	[ ! -f "$CASE/again.diff" ] || check_replace
	[ ! -f "$CASE/on.diff" ] || check_on
	step "$NAME: revert" 0 '.changed == true' revert case -p "$PID"
	phase reverted
	if has reapplied; then
		step "$NAME: apply once more" 0 '.changed == true' apply "$DIR/case.so" -p "$PID"
		phase reapplied
	fi
	target_end
}

run_case() {
	local options=() verdict
	NAME=$(basename "$CASE")
	verdict=$(field only)
	[ -z "$verdict" ] || [ "$verdict" = "$COMPILER" ] || return 0
	if [ -n "$(field skip)" ]; then
		printf 'note  %s: not tried: %s\n' "$NAME" "$(field skip)"
		return 0
	fi
	verdict=$(field needs)
	if [ -n "$verdict" ] && ! command -v "$verdict" >/dev/null; then
		printf 'note  %s: not tried: there is no %s\n' "$NAME" "$verdict"
		return 0
	fi
	verdict=$(field verdict)
	make_case || { fail "$NAME: does not compile"; return 1; }
	mapfile -t options < <(field option | xargs -r printf '%s\n')
	build_case "$CASE/edit.diff" "$DIR/case.so" "${options[@]}"
	case $verdict in
	patch) check_patch ;;
	nothing)
		is "$NAME: verdict" nothing "$(j .result)"
		is "$NAME: exit code" 10 "$RC"
		check_document
		;;
	*) check_refusal "$verdict" ;;
	esac
}

LINKER=${COMPILER/gcc/g}++
if [ $# -gt 0 ]; then
	for CASE in "$@"; do CASE=$CORPUS/cases/$CASE run_case; done
else
	for CASE in "$CORPUS"/cases/*/; do CASE=${CASE%/} run_case; done
fi
totals
