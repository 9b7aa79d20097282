/* SPDX-License-Identifier: MIT */
/* Hand-written assembly cases: ASM_CASE(name, "instructions") gives name[] and name_end[]. */
#ifndef TESTS_UNIT_ARCH_ASMCASE_H
#define TESTS_UNIT_ARCH_ASMCASE_H

#include <stddef.h>
#include <stdint.h>

/* In a section of its own, so that a case stands where the linker puts it and is never run. */
#define ASM_CASE(name, text)                                    \
	__asm__(".pushsection .text.cases, \"ax\", @progbits\n" \
		".p2align 4\n"                                  \
		".globl " #name "\n" #name ":\n" text "\n"      \
		".globl " #name "_end\n" #name "_end:\n"        \
		"nopw 0(%rax,%rax,1)\n"                         \
		".popsection\n");                               \
	extern const uint8_t name[], name##_end[]

#define ASM_SIZE(name) ((size_t)(name##_end - name))

#endif
