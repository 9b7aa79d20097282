#!/usr/bin/env bash
# Each public header compiles alone, as C11 and as C++17, without a warning.
set -u
rc=0
for header in include/suture/*.h; do
	name=suture/$(basename "$header")
	printf '#include <%s>\n#include <%s>\nextern int some;\n' "$name" "$name" |
		"${CC:-cc}" -std=c11 -pedantic -Wall -Wextra -Werror -Iinclude -fsyntax-only -x c - ||
		{ printf 'FAIL: %s as C11\n' "$name"; rc=1; }
	printf '#include <%s>\n#include <%s>\nextern int some;\n' "$name" "$name" |
		"${CXX:-c++}" -std=c++17 -pedantic -Wall -Wextra -Werror -Iinclude -fsyntax-only -x c++ - ||
		{ printf 'FAIL: %s as C++17\n' "$name"; rc=1; }
done
exit "$rc"
