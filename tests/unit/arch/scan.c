/* SPDX-License-Identifier: MIT */
/*
 * The branch scanner, on hand-written cases: test suites of real programs don't reach it (a scanner
 * that saw no branch at all once survived 714 of them).
 */
#include "../test.h"

#include "arch/arch.h"
#include "asmcase.h"

enum { WINDOW = 5 };

/* Byte by byte and unchecked: a sanitizer puts red zones where a table's reader looks too far. */
__attribute__((no_sanitize("address"))) static bool read_memory(void *context, uint64_t address,
								void *out, size_t size)
{
	(void)context;
	for (size_t i = 0; i < size; i++)
		((volatile uint8_t *)out)[i] = ((const volatile uint8_t *)(uintptr_t)address)[i];
	return true;
}

static bool read_nothing(void *context, uint64_t address, void *out, size_t size)
{
	(void)context;
	(void)address;
	(void)out;
	(void)size;
	return false;
}

static enum arch_reason scan(const uint8_t *code, const uint8_t *end, size_t window_size)
{
	const struct arch_scan request = {
		.code = code,
		.size = (size_t)(end - code),
		.address = (uintptr_t)code,
		.window = (uintptr_t)code,
		.window_size = window_size,
		.read = read_memory,
	};

	return arch_native()->scan_branches(&request);
}

#define CASE(name, text, expected)                                                 \
	ASM_CASE(name, text);                                                      \
	static void test_##name(void **state)                                      \
	{                                                                          \
		(void)state;                                                       \
		assert_int_equal(scan(name, name##_end, WINDOW), ARCH_##expected); \
	}

#define FILLER "mov $1, %eax; mov $2, %ecx; "
/* A table behind lea, of distances from itself. */
#define SWITCH(entries)                                                                         \
	"cmp $2, %edi; ja 9f; lea 8f(%rip), %rdx; movslq (%rdx,%rdi,4), %rax; add %rdx, %rax; " \
	"jmp *%rax; 9: ret; "                                                                   \
	".pushsection .rodata.cases, \"a\"; .p2align 2; 8: .long " entries "; .popsection"

CASE(no_branch, "push %rbp; mov %rsp, %rbp; mov $1, %eax; pop %rbp; ret", OK)
CASE(to_entry, "0: push %rbp; mov %rsp, %rbp; mov $1, %eax; jmp 0b", OK)
CASE(near_back, "push %rbp; 1: mov %rsp, %rbp; " FILLER "jne 1b; ret", BRANCH_INTO_WINDOW)
CASE(far_back, "push %rbp; 1: mov %rsp, %rbp; .skip 400, 0x90; jne 1b; ret", BRANCH_INTO_WINDOW)
CASE(last_byte, "push %rbp; mov %rsp, %rbp; 1: nop; " FILLER "jmp 1b", BRANCH_INTO_WINDOW)
CASE(just_behind, "push %rbp; mov %rsp, %rbp; nop; 1: " FILLER "jmp 1b", OK)
CASE(by_loop, "push %rbp; 1: mov %rsp, %rbp; " FILLER "loop 1b; ret", BRANCH_INTO_WINDOW)
CASE(by_jrcxz, "push %rbp; 1: mov %rsp, %rbp; " FILLER "jrcxz 1b; ret", BRANCH_INTO_WINDOW)
CASE(by_call, "push %rbp; 1: mov %rsp, %rbp; " FILLER "call 1b; ret", BRANCH_INTO_WINDOW)
CASE(by_xbegin, "push %rbp; 1: mov %rsp, %rbp; " FILLER "xbegin 1b; ret", BRANCH_INTO_WINDOW)
CASE(into_the_middle, "mov $0x90909090, %eax; " FILLER "jmp into_the_middle + 2",
     BRANCH_INTO_WINDOW)
CASE(from_the_window, "test %edi, %edi; je 1f; nop; 1: ret", OK)
CASE(address_taken, "push %rbp; 1: mov %rsp, %rbp; " FILLER "lea 1b(%rip), %rax; jmp *%rax",
     BRANCH_INTO_WINDOW)
CASE(own_address_taken,
     "push %rbp; mov %rsp, %rbp; " FILLER "lea own_address_taken(%rip), %rax; ret", OK)
CASE(tail_call, "push %rbp; mov %rsp, %rbp; " FILLER "mov 8(%rdi), %rax; jmp *%rax", OK)
CASE(harmless_table, FILLER "1: nop; 2: nop; 3: nop; " SWITCH("1b - 8b, 2b - 8b, 3b - 8b"), OK)
CASE(table_into_window,
     "push %rbp; 1: mov %rsp, %rbp; " FILLER "2: nop; " SWITCH("2b - 8b, 1b - 8b"),
     BRANCH_INTO_WINDOW)
/* The first entries lie outside: compilers fold an index offset into the base. */
CASE(table_with_lead,
     "push %rbp; 1: mov %rsp, %rbp; " FILLER
     "2: nop; " SWITCH("0x7f000000, 0x7f000000, 2b - 8b, 1b - 8b"),
     BRANCH_INTO_WINDOW)
/* Behind the table stands another function's: its entries are not ours. */
CASE(table_ends,
     "push %rbp; 1: mov %rsp, %rbp; " FILLER "2: nop; " SWITCH("2b - 8b, 0x7f000000, 1b - 8b"), OK)
/* The base is loaded long before the jump, and by way of another register. */
CASE(hoisted_base,
     "push %rbp; 1: mov %rsp, %rbp; lea 8f(%rip), %r12; " FILLER "mov %r12, %r13;"
     "movslq (%r13,%rdi,4), %rax; add %r13, %rax; notrack jmp *%rax; ret;"
     ".pushsection .rodata.cases, \"a\"; .p2align 2; 8: .long 1b - 8b; .popsection",
     BRANCH_INTO_WINDOW)
/* goto *labels[i], a table of addresses */
CASE(computed_goto,
     "push %rbp; 1: mov %rsp, %rbp; " FILLER "2: lea 8f(%rip), %rdx; jmp *(%rdx,%rdi,8);"
     ".pushsection .data.rel.ro.cases, \"aw\"; .p2align 3; 8: .quad 2b, 1b; .popsection",
     BRANCH_INTO_WINDOW)
/* goto *(&&base + offsets[i]) */
CASE(label_differences,
     "push %rbp; 1: mov %rsp, %rbp; " FILLER "2: lea 8f(%rip), %rdx; movslq (%rdx,%rdi,4), %rax;"
     "lea 2b(%rip), %rcx; add %rcx, %rax; jmp *%rax;"
     ".pushsection .rodata.cases, \"a\"; .p2align 2; 8: .long 2b - 2b, 1b - 2b; .popsection",
     BRANCH_INTO_WINDOW)
#define SMALL_NUMBERS \
	".pushsection .data.cases, \"aw\"; .p2align 2; 7: .long 1, 2, 3, 4; .popsection;"
/* A function with a switch hands its own address to somebody, and reads numbers from 1 to 4. */
CASE(own_address_and_numbers,
     "push %rbp; mov %rsp, %rbp; " FILLER SMALL_NUMBERS
     "lea own_address_and_numbers(%rip), %rsi; mov 7b(%rip), %eax;"
     "2: nop; 3: nop; " SWITCH("2b - 8b, 3b - 8b"),
     OK)
/* As gcc does it where nothing stands before the first label: goto *(&&first + offsets[i]) */
CASE(differences_from_the_entry,
     "push %rbp; 1: mov %rsp, %rbp; " FILLER "lea 8f(%rip), %rdx; movslq (%rdx,%rdi,4), %rax;"
     "lea differences_from_the_entry(%rip), %rcx; add %rcx, %rax; jmp *%rax;"
     ".pushsection .rodata.cases, \"a\"; .p2align 2; 8: .long 0, 1; .popsection",
     BRANCH_INTO_WINDOW)
/* Both: the switch's table does not account for two jumps. */
CASE(a_switch_and_differences_from_the_entry,
     "push %rbp; 1: mov %rsp, %rbp; " FILLER "lea 6f(%rip), %rdx; movslq (%rdx,%rdi,4), %rax;"
     "lea a_switch_and_differences_from_the_entry(%rip), %rcx; add %rcx, %rax; jmp *%rax;"
     ".pushsection .rodata.cases, \"a\"; .p2align 2; 6: .long 0, 1; .popsection;"
     "2: nop; 3: nop; " SWITCH("2b - 8b, 3b - 8b"),
     BRANCH_INTO_WINDOW)
CASE(undecodable, "push %rbp; mov %rsp, %rbp; mov $1, %eax; .byte 0x06; ret", UNDECODABLE)
/* Live padding: nops inside the function that are jumped to. */
CASE(live_padding, "jmp 2f; 1: nopw 0(%rax,%rax); ret; 2: jmp 1b", BRANCH_INTO_WINDOW)

static void smaller_window_allows_what_a_larger_does_not(void **state)
{
	(void)state;
	assert_int_equal(scan(last_byte, last_byte_end, 4), ARCH_OK);
	assert_int_equal(scan(last_byte, last_byte_end, 5), ARCH_BRANCH_INTO_WINDOW);
	assert_int_equal(scan(near_back, near_back_end, 1), ARCH_OK);
	assert_int_equal(scan(near_back, near_back_end, 2), ARCH_BRANCH_INTO_WINDOW);
}

ASM_CASE(main_part, "push %rbp; 1: mov %rsp, %rbp; mov $1, %eax; jmp cold_part; 2: ret");
ASM_CASE(cold_part, "mov $5, %eax; jmp main_part + 1");
ASM_CASE(cold_harmless, "mov $5, %eax; jmp main_part + 4");

static enum arch_reason scan_cold(const uint8_t *code, const uint8_t *end)
{
	const struct arch_scan request = {
		.code = code,
		.size = (size_t)(end - code),
		.address = (uintptr_t)code,
		.window = (uintptr_t)main_part,
		.window_size = 4,
		.read = read_memory,
	};

	return arch_native()->scan_branches(&request);
}

static void branches_from_cold_parts_are_seen(void **state)
{
	(void)state;
	assert_int_equal(scan_cold(cold_part, cold_part_end), ARCH_BRANCH_INTO_WINDOW);
	assert_int_equal(scan_cold(cold_harmless, cold_harmless_end), ARCH_OK);
}

/* The base is in one part, the jump in another. */
ASM_CASE(base_part, "push %rbp; 1: mov %rsp, %rbp; mov $1, %eax; lea 8f(%rip), %rdx; jmp jump_part;"
		    ".pushsection .rodata.cases, \"a\"; .p2align 2; 8: .long 1b - 8b; .popsection");

static void a_base_counts_when_another_part_jumps(void **state)
{
	size_t jumps = 1;
	struct arch_scan request = {
		.code = base_part,
		.size = ASM_SIZE(base_part),
		.address = (uintptr_t)base_part,
		.window = (uintptr_t)base_part,
		.window_size = WINDOW,
		.read = read_memory,
		.own_jumps = &jumps,
	};

	(void)state;
	assert_int_equal(arch_native()->scan_branches(&request), ARCH_OK);
	assert_int_equal(jumps, 0);
	request.jumps = 1;
	assert_int_equal(arch_native()->scan_branches(&request), ARCH_BRANCH_INTO_WINDOW);
}
__asm__(".globl jump_part\n.set jump_part, base_part\n");

static void unreadable_tables_are_never_taken_for_harmless(void **state)
{
	struct arch_scan request = {
		.code = harmless_table,
		.size = ASM_SIZE(harmless_table),
		.address = (uintptr_t)harmless_table,
		.window = (uintptr_t)harmless_table,
		.window_size = WINDOW,
	};

	(void)state;
	assert_int_equal(arch_native()->scan_branches(&request), ARCH_INDIRECT_BRANCH);
	request.read = read_nothing;
	assert_int_equal(arch_native()->scan_branches(&request), ARCH_INDIRECT_BRANCH);
}

struct candidates {
	uint64_t base;
	uint64_t places[8]; /* offsets */
	size_t count;
};

static void note_candidate(void *context, uint64_t place, uint64_t target)
{
	struct candidates *candidates = context;

	assert_in_range(target, 0x1001, 0x1004);
	assert_true(candidates->count < 8);
	candidates->places[candidates->count++] = place - candidates->base;
}

/* Other code may lead into an entry by a short branch, a near one, or an address that it takes. */
static void distances_are_found_in_every_form(void **state)
{
	const uint64_t base = 0x1080;
	const uint8_t code[] = {
		0xeb, 0x82,			    /* 0: jmp 0x1004, the last byte of the window */
		0x74, 0x7f,			    /* 2: je elsewhere */
		0xe9, 0x79, 0xff, 0xff, 0xff,	    /* 4: jmp 0x1002, the distance at 5 */
		0x0f, 0x84, 0x72, 0xff, 0xff, 0xff, /* 9: je 0x1001, at 11 */
		0xe8, 0x6c, 0xff, 0xff, 0xff, /* 15: call 0x1000: the entry itself is allowed */
	};
	struct candidates found = {.base = base};

	(void)state;
	arch_native()->find_distances(code, sizeof(code), base, 0x1001, 0x1005, note_candidate,
				      &found);
	assert_int_equal(found.count, 3);
	assert_int_equal(found.places[0], 0);
	assert_int_equal(found.places[1], 5);
	assert_int_equal(found.places[2], 11);
	/* Cut off in the middle of a distance: nothing behind the end is read. */
	found.count = 0;
	arch_native()->find_distances(code, 8, base, 0x1001, 0x1005, note_candidate, &found);
	assert_int_equal(found.count, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_branch),
		cmocka_unit_test(test_to_entry),
		cmocka_unit_test(test_near_back),
		cmocka_unit_test(test_far_back),
		cmocka_unit_test(test_last_byte),
		cmocka_unit_test(test_just_behind),
		cmocka_unit_test(test_by_loop),
		cmocka_unit_test(test_by_jrcxz),
		cmocka_unit_test(test_by_call),
		cmocka_unit_test(test_by_xbegin),
		cmocka_unit_test(test_into_the_middle),
		cmocka_unit_test(test_from_the_window),
		cmocka_unit_test(test_address_taken),
		cmocka_unit_test(test_own_address_taken),
		cmocka_unit_test(test_tail_call),
		cmocka_unit_test(test_harmless_table),
		cmocka_unit_test(test_table_into_window),
		cmocka_unit_test(test_table_with_lead),
		cmocka_unit_test(test_table_ends),
		cmocka_unit_test(test_hoisted_base),
		cmocka_unit_test(test_computed_goto),
		cmocka_unit_test(test_label_differences),
		cmocka_unit_test(test_own_address_and_numbers),
		cmocka_unit_test(test_differences_from_the_entry),
		cmocka_unit_test(test_a_switch_and_differences_from_the_entry),
		cmocka_unit_test(test_undecodable),
		cmocka_unit_test(test_live_padding),
		cmocka_unit_test(smaller_window_allows_what_a_larger_does_not),
		cmocka_unit_test(branches_from_cold_parts_are_seen),
		cmocka_unit_test(a_base_counts_when_another_part_jumps),
		cmocka_unit_test(unreadable_tables_are_never_taken_for_harmless),
		cmocka_unit_test(distances_are_found_in_every_form),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
