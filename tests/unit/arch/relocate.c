/* SPDX-License-Identifier: MIT */
/*
 * Relocation form by form: hand-written instructions against the bytes that they must become. The
 * bytes are written with their assembly beside them; relocate_system.c covers what compilers emit.
 */
#include "../test.h"

#include "arch/arch.h"

#define FROM UINT64_C(0x401000)
#define TO   UINT64_C(0x501000)
#define HIGH UINT64_C(0x7f0012345000)

struct reloc_case {
	const char *text;
	uint64_t from;
	uint64_t to;
	size_t window;
	size_t size;
	uint8_t code[32];
	size_t expected_size;
	uint8_t expected[64];
};

/* Displacements: TO - FROM is 0x100000, little-endian in the bytes. */
static const struct reloc_case cases[] = {
	{"plain instructions, and a jump to what follows",
	 FROM,
	 TO,
	 5,
	 8,
	 {0x55, 0x48, 0x89, 0xe5, 0x41, 0x54, 0x90, 0x90}, /* push rbp; mov rbp, rsp; push r12 */
	 11,
	 {0x55, 0x48, 0x89, 0xe5, 0x41, 0x54, 0xe9, 0xfb, 0xff, 0xef, 0xff}},
	{"operand relative to rip",
	 FROM,
	 TO,
	 5,
	 8,
	 {0x48, 0x8b, 0x05, 0x00, 0x01, 0x00, 0x00, 0xc3}, /* mov rax, [rip + 0x100] */
	 12,
	 {0x48, 0x8b, 0x05, 0x00, 0x01, 0xf0, 0xff, /* mov rax, [rip - 0xfff00] */
	  0xe9, 0xfb, 0xff, 0xef, 0xff}},
	{"operand relative to rip, immediate behind",
	 FROM,
	 TO,
	 5,
	 8,
	 {0x83, 0x3d, 0x00, 0x01, 0x00, 0x00, 0x07, 0xc3}, /* cmp dword [rip + 0x100], 7 */
	 12,
	 {0x83, 0x3d, 0x00, 0x01, 0xf0, 0xff, 0x07, /* cmp dword [rip - 0xfff00], 7 */
	  0xe9, 0xfb, 0xff, 0xef, 0xff}},
	{"short conditional jump, widened",
	 FROM,
	 TO,
	 5,
	 6,
	 {0x85, 0xff, 0x74, 0x10, 0x31, 0xc0}, /* test edi, edi; je +0x10; xor eax, eax */
	 15,
	 {0x85, 0xff, 0x0f, 0x84, 0x0c, 0x00, 0xf0, 0xff, /* je 0x401014 */
	  0x31, 0xc0, 0xe9, 0xf7, 0xff, 0xef, 0xff}},
	{"jump ends the copy",
	 FROM,
	 TO,
	 5,
	 5,
	 {0xe9, 0x00, 0x10, 0x00, 0x00}, /* jmp 0x402005 */
	 5,
	 {0xe9, 0x00, 0x10, 0xf0, 0xff}},
	{"return and padding end the copy",
	 FROM,
	 TO,
	 5,
	 6,
	 {0x89, 0xf8, 0xc3, 0x0f, 0x1f, 0x00}, /* mov eax, edi; ret; nop */
	 6,
	 {0x89, 0xf8, 0xc3, 0x0f, 0x1f, 0x00}},
	{"call, low addresses",
	 FROM,
	 TO,
	 5,
	 5,
	 {0xe8, 0x00, 0x10, 0x00, 0x00}, /* call 0x402005 */
	 10,
	 {0x68, 0x05, 0x10, 0x40, 0x00,	  /* push 0x401005 */
	  0xe9, 0xfb, 0x0f, 0xf0, 0xff}}, /* jmp 0x402005 */
	{"call, high addresses",
	 HIGH,
	 HIGH + 0x1000,
	 5,
	 5,
	 {0xe8, 0x00, 0x10, 0x00, 0x00}, /* call HIGH + 0x1005 */
	 18,
	 {0x68, 0x05, 0x50, 0x34, 0x12,			  /* push 0x12345005 */
	  0xc7, 0x44, 0x24, 0x04, 0x00, 0x7f, 0x00, 0x00, /* mov dword [rsp + 4], 0x7f00 */
	  0xe9, 0xf3, 0xff, 0xff, 0xff}},		  /* jmp HIGH + 0x1005 */
	{"call through a register",
	 FROM,
	 TO,
	 2,
	 2,
	 {0xff, 0xd7}, /* call rdi */
	 7,
	 {0x68, 0x02, 0x10, 0x40, 0x00, 0xff, 0xe7}}, /* push; jmp rdi */
	{"call through a slot",
	 FROM,
	 TO,
	 5,
	 6,
	 {0xff, 0x15, 0x00, 0x01, 0x00, 0x00}, /* call [rip + 0x100] */
	 11,
	 {0x68, 0x06, 0x10, 0x40, 0x00, 0xff, 0x25, 0xfb, 0x00, 0xf0, 0xff}},
	{"jrcxz has no long form",
	 FROM,
	 TO,
	 2,
	 2,
	 {0xe3, 0x10}, /* jrcxz 0x401012 */
	 14,
	 {0xe3, 0x02, 0xeb, 0x05, 0xe9, 0x09, 0x00, 0xf0, 0xff, 0xe9, 0xf4, 0xff, 0xef, 0xff}},
	{"loop with an address size prefix",
	 FROM,
	 TO,
	 3,
	 3,
	 {0x67, 0xe2, 0x10}, /* loopd 0x401013 */
	 15,
	 {0x67, 0xe2, 0x02, 0xeb, 0x05, 0xe9, 0x09, 0x00, 0xf0, 0xff, 0xe9, 0xf4, 0xff, 0xef,
	  0xff}},
	{"branch back into the window leads to the copy",
	 FROM,
	 TO,
	 5,
	 6,
	 {0xff, 0xc0, 0xff, 0xcf, 0x75, 0xfa}, /* inc eax; dec edi; jne to the first */
	 15,
	 {0xff, 0xc0, 0xff, 0xcf, 0x0f, 0x85, 0xf6, 0xff, 0xff, 0xff, /* jne to the copy's first */
	  0xe9, 0xf7, 0xff, 0xef, 0xff}},
	{"branch forward within the window",
	 FROM,
	 TO,
	 5,
	 6,
	 {0x74, 0x02, 0xff, 0xc0, 0xff, 0xcf}, /* je to the third; inc eax; dec edi */
	 15,
	 {0x0f, 0x84, 0x02, 0x00, 0x00, 0x00, 0xff, 0xc0, 0xff, 0xcf, 0xe9, 0xf7, 0xff, 0xef,
	  0xff}},
	{"entry mark is kept",
	 FROM,
	 TO,
	 5,
	 5,
	 {0xf3, 0x0f, 0x1e, 0xfa, 0x55}, /* endbr64; push rbp */
	 10,
	 {0xf3, 0x0f, 0x1e, 0xfa, 0x55, 0xe9, 0xfb, 0xff, 0xef, 0xff}},
	{"xbegin",
	 FROM,
	 TO,
	 5,
	 6,
	 {0xc7, 0xf8, 0x00, 0x01, 0x00, 0x00}, /* xbegin 0x401106 */
	 11,
	 {0xc7, 0xf8, 0x00, 0x01, 0xf0, 0xff, 0xe9, 0xfb, 0xff, 0xef, 0xff}},
	{"lea of the function itself",
	 FROM,
	 TO,
	 5,
	 7,
	 {0x48, 0x8d, 0x05, 0xf9, 0xff, 0xff, 0xff}, /* lea rax, [0x401000] */
	 12,
	 {0x48, 0x8d, 0x05, 0xf9, 0xff, 0xef, 0xff, 0xe9, 0xfb, 0xff, 0xef, 0xff}},
};

static void print_bytes(const char *what, const uint8_t *bytes, size_t size)
{
	print_message("%s", what);
	for (size_t i = 0; i < size; i++)
		print_message(" %02x", bytes[i]);
	print_message("\n");
}

static void every_form_becomes_what_it_must(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct reloc_case *c = &cases[i];
		struct arch_relocated moved;
		enum arch_reason reason = arch_native()->relocate(c->code, c->size, c->from,
								  c->window, c->to, &moved);

		if (reason != ARCH_OK)
			fail_msg("%s: %s", c->text, arch_reason_text(reason));
		if (moved.size != c->expected_size ||
		    memcmp(moved.code, c->expected, moved.size) != 0) {
			print_bytes("got     ", moved.code, moved.size);
			print_bytes("expected", c->expected, c->expected_size);
			fail_msg("%s", c->text);
		}
	}
}

struct refusal {
	const char *text;
	uint64_t to;
	size_t window;
	size_t size;
	uint8_t code[16];
	enum arch_reason reason;
};

static const struct refusal refusals[] = {
	/* The return address would be inside the jump. */
	{"call ends inside", TO, 5, 5, {0x50, 0xff, 0xd7, 0x58, 0xc3}, ARCH_NOT_RELOCATABLE},
	{"call through the stack", TO, 4, 4, {0xff, 0x54, 0x24, 0x08}, ARCH_NOT_RELOCATABLE},
	{"call rsp", TO, 2, 2, {0xff, 0xd4}, ARCH_NOT_RELOCATABLE},
	{"operand in the overwritten bytes",
	 TO,
	 5,
	 7,
	 {0x48, 0x8b, 0x05, 0xf9, 0xff, 0xff, 0xff},
	 ARCH_NOT_RELOCATABLE},
	{"branch into the middle of an instruction",
	 TO,
	 7,
	 7,
	 {0xb8, 1, 2, 3, 4, 0xeb, 0xfa},
	 ARCH_NOT_RELOCATABLE},
	{"operand out of reach",
	 UINT64_C(0x7f0000000000),
	 5,
	 7,
	 {0x48, 0x8b, 0x05, 0, 1, 0, 0},
	 ARCH_OUT_OF_REACH},
	{"no instruction", TO, 5, 5, {0x06, 0x06, 0x06, 0x06, 0x06}, ARCH_UNDECODABLE},
	{"code ends before the window", TO, 5, 2, {0x55, 0x55}, ARCH_UNDECODABLE},
};

static void what_cannot_move_is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
		const struct refusal *c = &refusals[i];
		struct arch_relocated moved;
		enum arch_reason reason =
			arch_native()->relocate(c->code, c->size, FROM, c->window, c->to, &moved);

		if (reason != c->reason)
			fail_msg("%s: %s", c->text, arch_reason_text(reason));
	}
}

/* From a far place direct branches go over absolute jumps. */
static void far_branches_are_absolute(void **state)
{
	static const uint8_t code[] = {0x85, 0xff, 0x74, 0x10, 0xeb, 0x20}; /* test; je; jmp */
	static const uint8_t je[] = {0x75, 0x0e, 0xff, 0x25, 0, 0, 0, 0, 0x14, 0x10, 0x40};
	static const uint8_t jmp[] = {0xff, 0x25, 0, 0, 0, 0, 0x26, 0x10, 0x40};
	struct arch_relocated moved;

	(void)state;
	assert_int_equal(arch_native()->relocate(code, sizeof(code), FROM, 5,
						 UINT64_C(0x7f0000000000), &moved),
			 ARCH_OK);
	assert_int_equal(moved.size, 2 + 2 + 14 + 14);
	assert_memory_equal(moved.code + 2, je, sizeof(je));
	assert_memory_equal(moved.code + 18, jmp, sizeof(jmp));
}

static void rows_say_what_is_on_the_stack(void **state)
{
	/* push rbx; call */
	static const uint8_t code[] = {0x53, 0xe8, 0, 0, 0, 0};
	struct arch_relocated moved;

	(void)state;
	assert_int_equal(arch_native()->relocate(code, sizeof(code), FROM, 5, TO, &moved), ARCH_OK);
	assert_int_equal(moved.window_size, 6);
	assert_int_equal(moved.count, 3);
	assert_int_equal(moved.rows[0].new_offset, 0);
	assert_int_equal(moved.rows[1].old_offset, 1);
	assert_int_equal(moved.rows[1].new_offset, 1);
	assert_int_equal(moved.rows[1].pushed, 0);
	assert_int_equal(moved.rows[2].old_offset, 1);
	assert_int_equal(moved.rows[2].new_offset, 6);
	assert_int_equal(moved.rows[2].pushed, 8);
}

/* ---- jumps --------------------------------------------------------------------------------- */

static void jumps_reach_as_far_as_they_say(void **state)
{
	const struct arch_ops *arch = arch_native();
	uint8_t out[ARCH_MAX_JUMP];
	uint64_t from = UINT64_C(0x7f0000000000), end = from + arch->near_jump_size;
	struct arch_insn insn;

	(void)state;
	assert_int_equal(arch->near_jump(from, end + INT32_MAX, out), ARCH_OK);
	assert_int_equal(arch->decode(out, 5, from, &insn), ARCH_OK);
	assert_int_equal(insn.target, end + INT32_MAX);
	assert_int_equal(arch->near_jump(from, end + INT32_MAX + UINT64_C(1), out),
			 ARCH_OUT_OF_REACH);
	assert_int_equal(arch->near_jump(from, end - UINT64_C(0x80000000), out), ARCH_OK);
	assert_int_equal(arch->near_jump(from, end - UINT64_C(0x80000001), out), ARCH_OUT_OF_REACH);
	assert_int_equal(arch->short_jump(from, from + 2 + 127, out), ARCH_OK);
	assert_int_equal(arch->short_jump(from, from + 2 + 128, out), ARCH_OUT_OF_REACH);
	assert_int_equal(arch->short_jump(from, from + 2 - 128, out), ARCH_OK);
	arch->gate(out);
	assert_int_equal(arch->decode(out, 2, from, &insn), ARCH_OK);
	assert_int_equal(insn.kind, ARCH_INSN_JUMP);
	assert_int_equal(insn.target, from);
}

static void a_pun_covers_what_its_fixed_bytes_allow(void **state)
{
	const struct arch_ops *arch = arch_native();
	static const uint8_t fixed[] = {0x48, 0x89, 0x07};
	uint64_t low, high;
	uint8_t out[5];

	(void)state;
	assert_true(arch->pun_range(FROM, fixed, 2, &low, &high));
	assert_int_equal(low, FROM + 5 + 0x07894800);
	assert_int_equal(high - low, 256);
	assert_int_equal(arch->near_jump(FROM, low + 17, out), ARCH_OK);
	assert_memory_equal(out + 2, fixed, 3);
	assert_false(arch->pun_range(FROM, fixed, 5, &low, &high));
	assert_false(arch->pun_range(FROM, fixed, 0, &low, &high));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_form_becomes_what_it_must),
		cmocka_unit_test(what_cannot_move_is_refused),
		cmocka_unit_test(far_branches_are_absolute),
		cmocka_unit_test(rows_say_what_is_on_the_stack),
		cmocka_unit_test(jumps_reach_as_far_as_they_say),
		cmocka_unit_test(a_pun_covers_what_its_fixed_bytes_allow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
