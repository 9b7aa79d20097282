/* SPDX-License-Identifier: MIT */
/* Comparing instructions placed differently, and turning an address into a load of a slot. */
#include "arch/arch.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const struct {
	const char *text;
	uint8_t a[15], a_size, b[15], b_size;
	bool same;
} pairs[] = {
	{"jmp near, jmp far", {0xeb, 5}, 2, {0xe9, 1, 2, 3, 4}, 5, true},
	{"je near, je far", {0x74, 5}, 2, {0x0f, 0x84, 1, 2, 3, 4}, 6, true},
	{"je near, jne far", {0x74, 5}, 2, {0x0f, 0x85, 1, 2, 3, 4}, 6, false},
	{"jmp, call", {0xe9, 1, 2, 3, 4}, 5, {0xe8, 1, 2, 3, 4}, 5, false},
	{"call, call elsewhere", {0xe8, 1, 2, 3, 4}, 5, {0xe8, 5, 6, 7, 8}, 5, true},
	{"bnd jmp, jmp", {0xf2, 0xe9, 1, 2, 3, 4}, 6, {0xe9, 1, 2, 3, 4}, 5, false},
	{"lea of two places", {0x48, 0x8d, 5, 1, 2, 3, 4}, 7, {0x48, 0x8d, 5, 9, 9, 9, 9}, 7, true},
	{"lea, other register",
	 {0x48, 0x8d, 5, 1, 2, 3, 4},
	 7,
	 {0x48, 0x8d, 0x0d, 1, 2, 3, 4},
	 7,
	 false},
	{"movl of two places, $1, $2",
	 {0xc7, 5, 0, 0, 0, 0, 1, 0, 0, 0},
	 10,
	 {0xc7, 5, 0, 0, 0, 0, 2, 0, 0, 0},
	 10,
	 false},
	{"add $1, add $2", {0x83, 0xc0, 1}, 3, {0x83, 0xc0, 2}, 3, false},
	{"ret", {0xc3}, 1, {0xc3}, 1, true},
};

static void same_but_for_the_distance(void **state)
{
	const struct arch_ops *arch = arch_for_machine(62);

	(void)state;
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
		if (arch->same_operation(pairs[i].a, pairs[i].a_size, pairs[i].b,
					 pairs[i].b_size) != pairs[i].same)
			fail_msg("%s", pairs[i].text);
}

enum { PC32 = 2, PLT32 = 4 };

static void lea_becomes_a_load(void **state)
{
	const struct arch_ops *arch = arch_for_machine(62);
	uint8_t lea[] = {0x90, 0x4c, 0x8d, 0x3d, 0, 0, 0, 0}; /* nop; lea 0(%rip), %r15 */
	static const uint8_t load[] = {0x90, 0x4c, 0x8b, 0x3d, 0, 0, 0, 0};

	(void)state;
	assert_true(arch->slot_load(PC32, lea, sizeof(lea), 4));
	assert_memory_equal(lea, load, sizeof(lea));
}

static void other_instructions_stay(void **state)
{
	const struct arch_ops *arch = arch_for_machine(62);
	/* mov 0(%rip), %rax: has loaded already; lea without REX.W; call; cut off */
	static const uint8_t codes[][8] = {
		{0x90, 0x48, 0x8b, 0x05}, {0x90, 0x90, 0x8d, 0x05}, {0x90, 0x90, 0x90, 0xe8}};
	/* vpermb 0(%rip), %zmm1, %zmm2 ends with 48 8d 15 */
	uint8_t wide[] = {0x62, 0xf2, 0x75, 0x48, 0x8d, 0x15, 0, 0, 0, 0};
	uint8_t lea[] = {0x48, 0x8d, 0x05, 0, 0, 0, 0};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		uint8_t code[8];

		memcpy(code, codes[i], 8);
		assert_false(arch->slot_load(PC32, code, sizeof(code), 4));
		assert_memory_equal(code, codes[i], 8);
	}
	assert_false(arch->slot_load(PC32, wide, sizeof(wide), 6));
	assert_false(arch->slot_load(PLT32, lea, sizeof(lea), 3));
	assert_false(arch->slot_load(PC32, lea, sizeof(lea) - 1, 3));
	assert_false(arch->slot_load(PC32, lea, sizeof(lea), 2));
}

/* What linkers make of `call f@PLT`, from 0x1000; the slot is 0x2000 behind the entry's end. */
static void entries_of_a_plt_lead_to_their_slot(void **state)
{
	static const struct {
		const char *text;
		size_t size;
		uint8_t code[16];
	} entries[] = {
		{"bfd, .plt.got and lazy", 6, {0xff, 0x25, 0, 0x20, 0, 0}},
		{"lld, .plt.sec", 10, {0xf3, 0x0f, 0x1e, 0xfa, 0xff, 0x25, 0, 0x20, 0, 0}},
		{"bfd, bnd", 11, {0xf3, 0x0f, 0x1e, 0xfa, 0xf2, 0xff, 0x25, 0, 0x20, 0, 0}},
		{"mold",
		 16,
		 {0xf3, 0x0f, 0x1e, 0xfa, 0x41, 0xbb, 3, 0, 0, 0, 0xff, 0x25, 0, 0x20, 0, 0}},
	};
	/* endbr64; push $1; jmp PLT0, and an entry that ends inside its jump */
	static const uint8_t lazy[16] = {0xf3, 0x0f, 0x1e, 0xfa, 0x68, 1, 0, 0, 0, 0xe9};
	const struct arch_ops *arch = arch_for_machine(62);
	uint64_t slot;

	(void)state;
	for (size_t i = 0; i < sizeof(entries) / sizeof(entries[0]); i++) {
		slot = 0;
		if (!arch->plt_slot(entries[i].code, entries[i].size, 0x1000, &slot) ||
		    slot != 0x3000 + entries[i].size)
			fail_msg("%s: %#" PRIx64, entries[i].text, slot);
		assert_false(arch->plt_slot(entries[i].code, entries[i].size - 1, 0x1000, &slot));
	}
	assert_false(arch->plt_slot(lazy, sizeof(lazy), 0x1000, &slot));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(same_but_for_the_distance),
		cmocka_unit_test(lea_becomes_a_load),
		cmocka_unit_test(other_instructions_stay),
		cmocka_unit_test(entries_of_a_plt_lead_to_their_slot),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
