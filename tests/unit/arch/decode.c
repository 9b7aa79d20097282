/* SPDX-License-Identifier: MIT */
/* Decoding: kinds, targets, entry marks, padding, and where an instruction around a field ends. */
#include "arch/arch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

struct kind_case {
	const char *text;
	uint8_t code[15];
	uint8_t size;
	enum arch_insn_kind kind;
	bool has_target;
	uint64_t target;
};

#define AT 0x401000

static const struct kind_case kinds[] = {
	{"push %rbp", {0x55}, 1, ARCH_INSN_PLAIN, false, 0},
	{"nop", {0x90}, 1, ARCH_INSN_PADDING, false, 0},
	{"pause", {0xf3, 0x90}, 2, ARCH_INSN_PLAIN, false, 0},
	{"xchg %rax, %r8", {0x49, 0x90}, 2, ARCH_INSN_PLAIN, false, 0},
	{"xchg %ax, %ax", {0x66, 0x90}, 2, ARCH_INSN_PADDING, false, 0},
	{"nopl 0(%rax)", {0x0f, 0x1f, 0x40, 0x00}, 4, ARCH_INSN_PADDING, false, 0},
	{"cs nopw 0(%rax,%rax)",
	 {0x66, 0x2e, 0x0f, 0x1f, 0x84, 0, 0, 0, 0, 0},
	 10,
	 ARCH_INSN_PADDING,
	 false,
	 0},
	{"data16 cs nopw",
	 {0x66, 0x66, 0x2e, 0x0f, 0x1f, 0x84, 0, 0, 0, 0, 0},
	 11,
	 ARCH_INSN_PADDING,
	 false,
	 0},
	{"nopl 0(%rip)", {0x0f, 0x1f, 0x05, 0, 0, 0, 0}, 7, ARCH_INSN_PADDING, false, 0},
	{"endbr64", {0xf3, 0x0f, 0x1e, 0xfa}, 4, ARCH_INSN_ENTRY_MARK, false, 0},
	{"rdsspq %rax", {0xf3, 0x48, 0x0f, 0x1e, 0xc8}, 5, ARCH_INSN_PLAIN, false, 0},
	{"jmp rel8", {0xeb, 0x10}, 2, ARCH_INSN_JUMP, true, AT + 0x12},
	{"jmp rel8 back", {0xeb, 0xfe}, 2, ARCH_INSN_JUMP, true, AT},
	{"jmp rel32", {0xe9, 0, 1, 0, 0}, 5, ARCH_INSN_JUMP, true, AT + 0x105},
	{"bnd jmp rel32", {0xf2, 0xe9, 0, 1, 0, 0}, 6, ARCH_INSN_JUMP, true, AT + 0x106},
	{"je rel8", {0x74, 0xf0}, 2, ARCH_INSN_COND_JUMP, true, AT + 2 - 0x10},
	{"jg rel32", {0x0f, 0x8f, 0xff, 0xff, 0xff, 0xff}, 6, ARCH_INSN_COND_JUMP, true, AT + 5},
	{"loop rel8", {0xe2, 0xfe}, 2, ARCH_INSN_COND_JUMP, true, AT},
	{"jrcxz rel8", {0xe3, 0x02}, 2, ARCH_INSN_COND_JUMP, true, AT + 4},
	{"jecxz rel8", {0x67, 0xe3, 0x02}, 3, ARCH_INSN_COND_JUMP, true, AT + 5},
	{"xbegin", {0xc7, 0xf8, 0x10, 0, 0, 0}, 6, ARCH_INSN_COND_JUMP, true, AT + 0x16},
	{"call rel32", {0xe8, 0, 0, 0, 0}, 5, ARCH_INSN_CALL, true, AT + 5},
	{"addr32 call", {0x67, 0xe8, 0, 0, 0, 0}, 6, ARCH_INSN_CALL, true, AT + 6},
	{"data16 data16 rex.W call",
	 {0x66, 0x66, 0x48, 0xe8, 0, 0, 0, 0},
	 8,
	 ARCH_INSN_CALL,
	 true,
	 AT + 8},
	{"call *%rax", {0xff, 0xd0}, 2, ARCH_INSN_INDIRECT_CALL, false, 0},
	{"call *8(%rip)", {0xff, 0x15, 8, 0, 0, 0}, 6, ARCH_INSN_INDIRECT_CALL, true, AT + 14},
	{"jmp *%r11", {0x41, 0xff, 0xe3}, 3, ARCH_INSN_INDIRECT_JUMP, false, 0},
	{"notrack jmp *%rax", {0x3e, 0xff, 0xe0}, 3, ARCH_INSN_INDIRECT_JUMP, false, 0},
	{"jmp *8(%rip)", {0xff, 0x25, 8, 0, 0, 0}, 6, ARCH_INSN_INDIRECT_JUMP, true, AT + 14},
	{"push *(%rax)", {0xff, 0x30}, 2, ARCH_INSN_PLAIN, false, 0},
	{"ret", {0xc3}, 1, ARCH_INSN_RETURN, false, 0},
	{"rep ret", {0xf3, 0xc3}, 2, ARCH_INSN_RETURN, false, 0},
	{"ret $8", {0xc2, 8, 0}, 3, ARCH_INSN_RETURN, false, 0},
	{"ud2", {0x0f, 0x0b}, 2, ARCH_INSN_TRAP, false, 0},
	{"ud1 12(%eax)", {0x67, 0x0f, 0xb9, 0x40, 0x0c}, 5, ARCH_INSN_TRAP, false, 0},
	{"ud1 (%rax)", {0x0f, 0xb9, 0x00}, 3, ARCH_INSN_TRAP, false, 0},
	{"ud1 %eax", {0x0f, 0xb9, 0xc8}, 3, ARCH_INSN_TRAP, false, 0},
	{"ud1 0(%rsp)", {0x0f, 0xb9, 0x84, 0x24, 0, 0, 0, 0}, 8, ARCH_INSN_TRAP, false, 0},
	{"ud1 0(,%rax)", {0x0f, 0xb9, 0x04, 0x05, 0, 0, 0, 0}, 8, ARCH_INSN_TRAP, false, 0},
	{"ud1 0(%rip)", {0x0f, 0xb9, 0x05, 0, 0, 0, 0}, 7, ARCH_INSN_TRAP, false, 0},
	{"int3", {0xcc}, 1, ARCH_INSN_TRAP, false, 0},
	{"hlt", {0xf4}, 1, ARCH_INSN_TRAP, false, 0},
	{"mov 0x10(%rip), %rax",
	 {0x48, 0x8b, 0x05, 0x10, 0, 0, 0},
	 7,
	 ARCH_INSN_PLAIN,
	 true,
	 AT + 0x17},
	{"cmpl $1, 0x10(%rip)",
	 {0x83, 0x3d, 0x10, 0, 0, 0, 1},
	 7,
	 ARCH_INSN_PLAIN,
	 true,
	 AT + 0x17},
	{"movl $1, 0x10(%rip)",
	 {0xc7, 0x05, 0x10, 0, 0, 0, 1, 0, 0, 0},
	 10,
	 ARCH_INSN_PLAIN,
	 true,
	 AT + 0x1a},
	{"vmovdqa 0x10(%rip), %ymm0",
	 {0xc5, 0xfd, 0x6f, 0x05, 0x10, 0, 0, 0},
	 8,
	 ARCH_INSN_PLAIN,
	 true,
	 AT + 0x18},
	{"pshufb 0x10(%rip), %xmm0",
	 {0x66, 0x0f, 0x38, 0x00, 0x05, 0x10, 0, 0, 0},
	 9,
	 ARCH_INSN_PLAIN,
	 true,
	 AT + 0x19},
	{"mov %fs:0, %rax",
	 {0x64, 0x48, 0x8b, 0x04, 0x25, 0, 0, 0, 0},
	 9,
	 ARCH_INSN_PLAIN,
	 false,
	 0},
};

static void every_kind_is_told_apart(void **state)
{
	const struct arch_ops *arch = arch_native();

	(void)state;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		const struct kind_case *c = &kinds[i];
		struct arch_insn insn;

		if (arch->decode(c->code, sizeof(c->code), AT, &insn) != ARCH_OK)
			fail_msg("%s: undecodable", c->text);
		if (insn.size != c->size || insn.kind != c->kind ||
		    insn.has_target != c->has_target || (c->has_target && insn.target != c->target))
			fail_msg("%s: size %d, kind %d, target %d %#lx", c->text, insn.size,
				 insn.kind, insn.has_target, (unsigned long)insn.target);
		assert_int_equal(insn.address, AT);
		/* One byte less is not an instruction. */
		if (arch->decode(c->code, c->size - 1u, AT, &insn) == ARCH_OK)
			assert_true(insn.size < c->size);
	}
}

static void what_is_no_instruction_is_refused(void **state)
{
	static const uint8_t bad[] = {0x06, 0xff, 0xff, 0xff};
	struct arch_insn insn;

	(void)state;
	assert_int_equal(arch_native()->decode(bad, sizeof(bad), AT, &insn), ARCH_UNDECODABLE);
	assert_int_equal(arch_native()->decode(bad, 0, AT, &insn), ARCH_UNDECODABLE);
}

static void padding_ends_at_the_first_real_instruction(void **state)
{
	static const uint8_t code[] = {0x90, 0xcc, 0xcc, 0x66, 0x90, 0x0f, 0x1f, 0x00, 0x55, 0x90};
	static const uint8_t pause[] = {0xf3, 0x90};
	const struct arch_ops *arch = arch_native();

	(void)state;
	assert_int_equal(arch->padding_size(code, sizeof(code), AT), 8);
	/* A nop that is cut off is none. */
	assert_int_equal(arch->padding_size(code, 7, AT), 5);
	assert_int_equal(arch->padding_size(pause, sizeof(pause), AT), 0);
}

static void an_entry_mark_is_endbr64_alone(void **state)
{
	static const uint8_t endbr64[] = {0xf3, 0x0f, 0x1e, 0xfa, 0xc3};
	static const uint8_t endbr32[] = {0xf3, 0x0f, 0x1e, 0xfb, 0xc3};

	(void)state;
	assert_int_equal(arch_native()->entry_mark_size(endbr64, 5), 4);
	assert_int_equal(arch_native()->entry_mark_size(endbr64, 3), 0);
	assert_int_equal(arch_native()->entry_mark_size(endbr32, 5), 0);
}

struct bias_case {
	uint8_t code[24];
	uint8_t size;
	uint8_t offset;
	int bias;
};

/* R_X86_64_PC32 in each; the field stands at offset. */
static const struct bias_case biases[] = {
	{{0x48, 0x8b, 0x05, 0, 0, 0, 0}, 7, 3, 4},		      /* mov x(%rip), %rax */
	{{0x83, 0x3d, 0, 0, 0, 0, 7}, 7, 2, 5},			      /* cmpl $7, x(%rip) */
	{{0xc7, 0x05, 0, 0, 0, 0, 7, 0, 0, 0}, 10, 2, 8},	      /* movl $7, x(%rip) */
	{{0x66, 0xc7, 0x05, 0, 0, 0, 0, 7, 0}, 9, 3, 6},	      /* movw $7, x(%rip) */
	{{0x48, 0xc7, 0x05, 0, 0, 0, 0, 7, 0, 0, 0}, 11, 3, 8},	      /* movq $7, x(%rip) */
	{{0xc6, 0x05, 0, 0, 0, 0, 7}, 7, 2, 5},			      /* movb $7, x(%rip) */
	{{0xb0, 0x66, 0xc7, 0x05, 0, 0, 0, 0, 7, 0, 0, 0}, 12, 4, 8}, /* mov $0x66, %al; movl */
	{{0xe8, 0, 0, 0, 0}, 5, 1, 4},				      /* call x */
	{{0x0f, 0x84, 0, 0, 0, 0}, 6, 2, 4},			      /* je x */
	{{0x66, 0x0f, 0x3a, 0x0f, 0x05, 0, 0, 0, 0, 8}, 10, 5, 5}, /* palignr $8, x(%rip), %xmm0 */
};

static void the_bias_reaches_to_the_instructions_end(void **state)
{
	const struct arch_ops *arch = arch_native();

	(void)state;
	for (size_t i = 0; i < sizeof(biases) / sizeof(biases[0]); i++) {
		const struct bias_case *c = &biases[i];
		int64_t bias = arch->reloc_bias(2 /* PC32 */, c->code, c->size, c->offset);

		if (bias != c->bias)
			fail_msg("case %zu: bias %d, expected %d", i, (int)bias, c->bias);
	}
	/* R_X86_64_64 and PC64 have none: they are data. */
	assert_int_equal(arch->reloc_bias(1, biases[0].code, 7, 3), 0);
	assert_int_equal(arch->reloc_bias(24, biases[0].code, 7, 3), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_kind_is_told_apart),
		cmocka_unit_test(what_is_no_instruction_is_refused),
		cmocka_unit_test(padding_ends_at_the_first_real_instruction),
		cmocka_unit_test(an_entry_mark_is_endbr64_alone),
		cmocka_unit_test(the_bias_reaches_to_the_instructions_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
