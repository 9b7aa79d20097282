#!/usr/bin/env bash
# The tree: no file is a monster; nothing outside arch/ knows a register or an opcode (comments may
# draw them); nothing of the shipped code prints from the agent, exits or aborts.
set -u
rc=0
fail() { printf 'FAIL: %s\n' "$*"; rc=1; }
MOST=600        # lines in a file

while read -r lines file; do
	[ "$file" = total ] || [ "$lines" -le "$MOST" ] || fail "$file has $lines lines"
done < <(find arch src tools patches \( -name '*.[ch]' -o -name '*.cpp' \) -exec wc -l {} +)

# code FILE: without comments
code() { "${CC:-cc}" -fpreprocessed -dD -E -P -x c "$1" 2>/dev/null; }

# suture/late.h becomes part of servers, which have no arch/.
processor='\b([re](ax|bx|cx|dx|si|di|bp|sp|ip)|eflags|r(8|9|1[0-5]))\b|user_regs_struct|R_X86_64_|R_AARCH64_|\b0x(e9|eb|cc|f30f1efa|0f05)\b'
while read -r file; do
	hits=$(code "$file" | grep -Ei "$processor")
	[ -z "$hits" ] || fail "$file: a register or an opcode outside arch/: $hits"
done < <(find src tools include -name '*.[ch]' ! -path include/suture/late.h; printf '%s\n' arch/*.[ch])

agent='\b(exit|_exit|_Exit|quick_exit|abort|assert|perror|printf|puts|putchar|fprintf|vfprintf|err|errx|warnx?)[ ]*\('
for folder in agent base trust image patch unwind trampoline stop rpc; do
	while read -r file; do
		hits=$(code "$file" | grep -nE "(^|[^_.>a-z])$agent")
		[ -z "$hits" ] || fail "$file: the agent neither prints nor exits: $hits"
	done < <(find "src/$folder" -name '*.[ch]')
done
exit "$rc"
