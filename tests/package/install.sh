#!/usr/bin/env bash
# cmake --install to a prefix; a project outside the tree finds it there by CMake and by pkg-config,
# is patched with the installed tools alone; the man pages and the completion are there.
. "$(dirname -- "${BASH_SOURCE[0]}")/../e2e/lib.sh"
HERE=$ROOT/tests/package
PREFIX=$WORK/prefix
VERSION=${SUTURE_VERSION:?}
need cmake pkg-config

cmake --install "$BUILD_DIR" --prefix "$PREFIX" >"$WORK/install.txt" || { cat "$WORK/install.txt"; exit 1; }
for file in bin/suture bin/suture-build lib/libsuture.so include/suture/suture.h share/man/man1/suture.1 \
	share/man/man1/suture-build.1 share/man/man3/libsuture.3 share/man/man7/suture-authoring.7 \
	share/man/man7/suture-limits.7 share/man/man7/suture-handover.7 share/doc/suture/SAFETY.md \
	share/bash-completion/completions/suture; do
	check "$file is installed" test -s "$PREFIX/$file"
done
# Nothing of what is installed knows where it was built.
if grep -rlF "$BUILD_DIR" "$PREFIX" --include='*.cmake' --include='*.pc' --include='*.[137]'; then
	fail "installed text names the build folder"
else
	pass "installed text names no build folder"
fi
is "no run path" '' "$(readelf -dW "$PREFIX/bin/suture" "$PREFIX/bin/suture-build" "$PREFIX/lib/libsuture.so" |
	grep -E 'RPATH|RUNPATH')"
is "symbols have versions" 0 "$(nm -D --defined-only "$PREFIX/lib/libsuture.so" | awk '$3 ~ /^suture_/ && $3 !~ /@@SUTURE_/' | wc -l)"

SUTURE=$PREFIX/bin/suture
unset SUTURE_AGENT
is "the installed suture" "suture $VERSION" "$("$SUTURE" --version)"

# ---- a project with find_package -----------------------------------------------------------------

cp -r "$HERE/example" "$WORK/example"
cmake -S "$WORK/example" -B "$WORK/example/build" -DCMAKE_PREFIX_PATH="$PREFIX" >"$WORK/cmake.txt" 2>&1 &&
	cmake --build "$WORK/example/build" >>"$WORK/cmake.txt" 2>&1 || { cat "$WORK/cmake.txt"; exit 1; }
PROGRAM=$WORK/example/build/clockwork
check "compile commands were exported" test -s "$WORK/example/build/compile_commands.json"
check "it has a build-id" grep -q 'Build ID' <(readelf -nW "$PROGRAM")

step "the installed suture builds a patch" 0 '.functions[0].name == "gears_turn"' build -C "$WORK/example/build" \
	--binary "$PROGRAM" -o "$WORK/gears.so" "$WORK/example/gears.diff"
mkfifo "$WORK/to" "$WORK/from"
"$PROGRAM" <"$WORK/to" >"$WORK/from" &
PID=$!
PIDS+=("$PID")
exec {TO}>"$WORK/to" {FROM}<"$WORK/from"
says "linked to the agent" agent "$VERSION serves"
says "before" 7 14
step "applied" 0 '.changed' apply "$WORK/gears.so" -p "$PID"
says "after" 7 21
step "reverted" 0 '.changed' revert gears -p "$PID"
says "as before" 7 14
target_end

# suture_enable() says what it can't do.
sed -i 's/suture_enable(clockwork AGENT)/suture_enable(clockwork AGNET)/' "$WORK/example/CMakeLists.txt"
if cmake -S "$WORK/example" -B "$WORK/wrong" -DCMAKE_PREFIX_PATH="$PREFIX" >"$WORK/cmake.txt" 2>&1; then
	fail "a wrong word was taken"
else
	check "a wrong word is named" grep -q 'unknown: AGNET' "$WORK/cmake.txt"
fi
if ! cmake -S "$HERE/example" -B "$WORK/older" -DCMAKE_PREFIX_PATH="$PREFIX" >/dev/null 2>&1; then
	fail "version 0.1 is not what it says it is"
fi

# ---- with pkg-config, as C11 and as C++17 --------------------------------------------------------

export PKG_CONFIG_PATH=$PREFIX/lib/pkgconfig:$PREFIX/lib/x86_64-linux-gnu/pkgconfig
is "pkg-config's version" "$VERSION" "$(pkg-config --modversion suture)"
printf '#include <suture/suture.h>\n#include <suture/shadow.h>\n#include <stdio.h>\nint main(void) { return puts(suture_version()) < 0; }\n' \
	>"$WORK/small.c"
cp "$WORK/small.c" "$WORK/small.cpp"
for how in "${CC:-cc} -std=c11 small.c" "${CXX:-c++} -std=c++17 small.cpp"; do
	# shellcheck disable=SC2046,SC2086
	(cd "$WORK" && $how -Wall -Wextra -Werror -o small $(pkg-config --cflags --libs suture)) || { fail "$how"; continue; }
	is "$how" "$VERSION" "$(LD_LIBRARY_PATH=$PREFIX/lib "$WORK/small")"
done
totals
