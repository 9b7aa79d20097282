#!/usr/bin/env bash
# suture check --all-functions: each tier, parts elsewhere, further symbols, tables that the loader
# fills; totals, refusals by name; stripped files and files that are none.
# From CMake: SUTURE, CC. Starts no process that stays.
set -u
SUTURE=${SUTURE:?the suture to test}
CC=${CC:-cc}
command -v jq >/dev/null || { printf 'SKIP: no jq\n'; exit 77; }
WORK=$(mktemp -d "${TMPDIR:-/tmp}/suture-check-all.XXXXXX") || exit 1
trap 'rm -rf "$WORK"' EXIT
PASSED=0 FAILED=0

is() { # TEXT EXPECTED FOUND
	if [ "$2" = "$3" ]; then
		PASSED=$((PASSED + 1))
	else
		FAILED=$((FAILED + 1))
		printf 'FAIL: %s: expected %s, found %s\n' "$1" "$2" "$3"
	fi
}

# One function of each kind, with nothing between them but what is written here.
cat >"$WORK/cases.S" <<'END'
	.macro function name
	.globl \name
	.hidden \name
	.type \name, @function
\name:
	.endm
	.macro end name
	.size \name, . - \name
	.endm
	.text
	.p2align 4
	function plain
	push %rbp
	mov %rsp, %rbp
	pop %rbp
	ret
	end plain
	.p2align 4, 0x90
	function padded
	xor %eax, %eax
	ret
	end padded
	.p2align 4, 0x90
	function loops		/* a hole: back to its second instruction, padding behind */
	xor %eax, %eax
1:	add %edi, %eax
	dec %edi
	jnz 1b
	ret
	end loops
	.p2align 4, 0x90
	function elsewhere	/* only its cold part branches into its first bytes */
	xor %eax, %eax
	test %edi, %edi
	jz elsewhere.cold
	ret
	ud2
	ud2
	end elsewhere
	function two_names	/* another symbol at its second instruction */
	xor %eax, %eax
	.globl second_name
second_name:
	inc %eax
	nop
	nop
	ret
	end two_names
	.fill 48, 1, 0xcc	/* nothing in reach of a short jump from what follows */
	.fill 128, 1, 0xc3
	function stuck		/* one byte, neighbours on both sides */
	ret
	end stuck
	function behind
	ret
	end behind
	.fill 128, 1, 0xc3
	function by_table	/* an address in a table that the loader fills */
	xor %eax, %eax
2:	lea table(%rip), %rdx
	movslq %edi, %rdi
	jmp *(%rdx, %rdi, 8)
3:	ret
	end by_table
	function into		/* a branch of another function leads to its second instruction */
	xor %eax, %eax
4:	inc %eax
	nop
	nop
	ret
	end into
	.fill 128, 1, 0xc3
	function comes
	xor %edi, %edi
	test %eax, %eax
	jz 4b
	ret
	end comes
	.section .data.rel.ro, "aw"
	.p2align 3
table:	.quad 2b, 3b
	.section .text.unlikely, "ax"
	.type elsewhere.cold, @function
elsewhere.cold:
	xor %edi, %edi
	jmp elsewhere + 2
	.size elsewhere.cold, . - elsewhere.cold
	.section .note.GNU-stack, ""
END
"$CC" -shared -nostdlib -o "$WORK/cases.so" "$WORK/cases.S" || exit 1
"$SUTURE" check --json --all-functions "$WORK/cases.so" >"$WORK/out" || FAILED=$((FAILED + 1))
ask() { jq -r "$1" "$WORK/out"; }
is "parts are not functions of their own" 10 "$(ask .functions)"
is "plain, but not where a cold part, a table, a symbol or another function's branch is in the way" 2 "$(ask .tiers.plain)"
is "padding" 1 "$(ask .tiers.padding)"
is "all are counted" 10 "$(ask '([.tiers[]] | add) + (.unpatchable | length)')"
# Low in the address space: what is behind it makes a displacement to below zero.
"$CC" -static -no-pie -nostdlib -Wl,-e,plain -o "$WORK/cases" "$WORK/cases.S" || exit 1
"$SUTURE" check --json --all-functions "$WORK/cases" >"$WORK/out"
for name in stuck behind into; do
	is "$name is refused with a reason" 1 \
		"$(ask "[.unpatchable[] | select(.name == \"$name\" and (.reason | length) > 10)] | length")"
done
is "for a branch into its first bytes" 1 \
	"$(ask '[.unpatchable[] | select(.name == "into" and (.reason | contains("targets the bytes of the jump")))] | length')"
is "the others are served" 3 "$(ask '.unpatchable | length')"
"$SUTURE" check --all-functions "$WORK/cases" >"$WORK/text"
is "text names the refused" 1 "$(grep -c "can't be patched: stuck: " "$WORK/text")"

"$CC" -shared -nostdlib -s -Wl,--version-script=<(echo '{ local: *; };') -o "$WORK/stripped.so" "$WORK/cases.S"
"$SUTURE" check --all-functions "$WORK/stripped.so" >/dev/null 2>"$WORK/err"
is "a stripped file is refused" 4 $?
is "and says why" 1 "$(grep -c 'no function symbols' "$WORK/err")"
"$SUTURE" check --all-functions "$WORK/cases.S" >/dev/null 2>&1
is "no ELF file" 4 $?
"$SUTURE" check --all-functions >/dev/null 2>&1
is "no file given" 2 $?
printf '%d passed, %d failed\n' "$PASSED" "$FAILED"
[ "$FAILED" = 0 ]
