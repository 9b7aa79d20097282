#!/usr/bin/env bash
# ./dev lint: formatting, clang-tidy, shellcheck. Prints what is wrong, and 'N passed, N failed'.
#
#   run.sh DIR     DIR is configured with the preset clang, so that clang-tidy knows every command
set -u
DIR=${1:?usage: run.sh DIR}
cd "$(dirname -- "${BASH_SOURCE[0]}")/../.." || exit 1
JOBS=${SUTURE_JOBS:-$(nproc)}
passed=0 failed=0
result() {      # TEXT CODE
	if [ "$2" -eq 0 ]; then
		passed=$((passed + 1))
		printf 'PASS  %s\n' "$1"
	else
		failed=$((failed + 1))
		printf 'FAIL  %s\n' "$1"
	fi
}

mapfile -t sources < <(find arch include src tools patches tests -type f \
	\( -name '*.c' -o -name '*.h' -o -name '*.cpp' \) | LC_ALL=C sort)
clang-format --dry-run -Werror "${sources[@]}"
result "formatting of ${#sources[@]} files (./dev format mends it)" $?

mapfile -t scripts < <(git grep -lI -E '^#!.*\b(ba)?sh\b' -- . 2>/dev/null; find dev .ci tests patches -name '*.sh')
mapfile -t scripts < <(printf '%s\n' "${scripts[@]}" | LC_ALL=C sort -u)
shellcheck -x -P SCRIPTDIR -S warning "${scripts[@]}"
result "shellcheck of ${#scripts[@]} scripts" $?

mkdir -p "$DIR"
if env -u CC -u CXX -u CFLAGS -u CXXFLAGS -u LDFLAGS cmake --preset clang -B "$DIR" >"$DIR/configure.log" 2>&1; then
	# what is shipped; tests and samples are for the compilers' warnings
	mapfile -t units < <(jq -r '.[].file' "$DIR/compile_commands.json" | sort -u | grep -E "^$PWD/(arch|src|tools)/.*\.c$")
	# error.c defines what analyzer.h redefines
	printf '%s\0' "${units[@]}" | grep -zv '/base/error\.c$' |
		xargs -0 -P "$JOBS" -n 4 clang-tidy -p "$DIR" --quiet \
			--extra-arg=-include --extra-arg="$PWD/tests/lint/analyzer.h" 2>"$DIR/tidy.err"
	code=$?
	grep -v -E '^[0-9]+ warnings? (generated|treated)|^Suppressed|^Use -' "$DIR/tidy.err"
	result "clang-tidy of ${#units[@]} units" "$code"
else
	cat "$DIR/configure.log"
	result "clang-tidy" 1
fi
printf '%d passed, %d failed\n' "$passed" "$failed"
[ "$failed" -eq 0 ]
