/* SPDX-License-Identifier: MIT */
/*
 * Hand-made CFI: every rule kind, expressions, conflicts, and bytes cut off or flipped at every
 * place. Nothing of it may crash, loop, or be taken for known.
 */
#include "tests.h"

#include "unwind/unwind.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CODE = 0x10000000, CODE_SIZE = 0x1000, SP = 7, BP = 6, RA = 16, BX = 3 };

/* An .eh_frame in the making; addresses are absolute (encoding 0x04: udata8). */
struct section {
	_Alignas(8) uint8_t bytes[4096];
	size_t size;
	size_t open; /* record being written */
	size_t cie;
};

static void put(struct section *section, const void *data, size_t size)
{
	assert_true(section->size + size <= sizeof(section->bytes));
	memcpy(section->bytes + section->size, data, size);
	section->size += size;
}

static void put_u8(struct section *section, uint8_t value)
{
	put(section, &value, 1);
}

static void put_u32(struct section *section, uint32_t value)
{
	put(section, &value, 4);
}

static void put_u64(struct section *section, uint64_t value)
{
	put(section, &value, 8);
}

static void begin(struct section *section)
{
	section->open = section->size;
	put_u32(section, 0);
}

static void end(struct section *section)
{
	uint32_t length;

	while ((section->size - section->open) % 8)
		put_u8(section, 0);
	length = (uint32_t)(section->size - section->open - 4);
	memcpy(section->bytes + section->open, &length, 4);
}

/* CFA = SP + 8, RA at CFA - 8, as every x86-64 function begins. */
static void add_cie(struct section *section, const char *letters)
{
	section->cie = section->size;
	begin(section);
	put_u32(section, 0);
	put_u8(section, 1);
	put(section, letters, strlen(letters) + 1);
	put_u8(section, 1);    /* code alignment */
	put_u8(section, 0x78); /* data alignment -8 */
	put_u8(section, RA);
	put_u8(section, 1);    /* augmentation size */
	put_u8(section, 0x04); /* R: udata8 */
	put(section, "\x0c\x07\x08\x90\x01", 5);
	end(section);
}

static void add_fde(struct section *section, uint64_t start, uint64_t size, const void *program,
		    size_t program_size)
{
	begin(section);
	put_u32(section, (uint32_t)(section->size - section->cie));
	put_u64(section, start);
	put_u64(section, size);
	put_u8(section, 0);
	put(section, program, program_size);
	end(section);
}

static struct unwind_table *compile(const struct section *section)
{
	struct unwind_object object = {.name = "test", .start = CODE, .end = CODE + CODE_SIZE};
	struct unwind_table *table = NULL;

	object.eh_frame = object.data_start = (uintptr_t)section->bytes;
	object.eh_frame_size = section->size;
	object.data_end = object.data_start + section->size;
	assert_int_equal(unwind_table_create(&object, 1, NULL, &table, NULL), 0);
	return table;
}

static uint64_t stack[64];

/* One step at CODE + offset with SP at stack[0], BP at stack[8], BX = 0x1234. */
static enum unwind_step step_at(const struct unwind_table *table, size_t offset,
				struct unwind_cursor *cursor)
{
	static struct unwind_memory memory;
	struct arch_regs regs = {.pc = CODE + offset};

	for (size_t i = 0; i < 64; i++)
		stack[i] = 0x1000 + i;
	regs.value[SP] = (uint64_t)&stack[0];
	regs.value[BP] = (uint64_t)&stack[8];
	regs.value[BX] = 0x1234;
	regs.known = 1u << SP | 1u << BP | 1u << BX;
	unwind_memory_init_stopped(&memory, getpid(), -1);
	unwind_start_stopped(cursor, &regs);
	return unwind_step_stopped(table, &memory, cursor);
}

static struct section section;

/* One function with one program, stepped at one offset. */
static enum unwind_step run(const void *program, size_t size, size_t offset,
			    struct unwind_cursor *cursor)
{
	struct unwind_table *table;
	enum unwind_step step;

	memset(&section, 0, sizeof(section));
	add_cie(&section, "zR");
	add_fde(&section, CODE + 0x100, 0x100, program, size);
	table = compile(&section);
	step = step_at(table, offset, cursor);
	unwind_table_destroy(table);
	return step;
}

#define RUN(program, offset) run(program, sizeof(program) - 1, offset, &cursor)

static void rules_change_with_the_address(void **state)
{
	/* push rbp at +1, mov at +4, leave at the end */
	static const char program[] = "\x41\x0e\x10\x86\x02\x43\x0d\x06\x02\x50\x0c\x07\x08";
	struct unwind_cursor cursor;

	(void)state;
	assert_int_equal(RUN(program, 0x100), UNWIND_FRAME);
	assert_int_equal(cursor.regs.pc, 0x1000);
	assert_int_equal(cursor.regs.value[SP], (uint64_t)&stack[1]);
	assert_int_equal(cursor.regs.value[BP], (uint64_t)&stack[8]);
	assert_int_equal(RUN(program, 0x101), UNWIND_FRAME);
	assert_int_equal(cursor.regs.pc, 0x1001);
	assert_int_equal(cursor.regs.value[BP], 0x1000);
	assert_int_equal(RUN(program, 0x104), UNWIND_FRAME);
	assert_int_equal(cursor.regs.pc, 0x1009);
	assert_int_equal(cursor.regs.value[BP], 0x1008);
	assert_int_equal(RUN(program, 0x154), UNWIND_FRAME);
	assert_int_equal(cursor.regs.pc, 0x1000);
	assert_false(cursor.exact);
}

static void outside_of_functions_is_unknown(void **state)
{
	struct unwind_cursor cursor;

	(void)state;
	assert_int_equal(RUN("", 0xff), UNWIND_UNKNOWN);
	assert_int_equal(RUN("", 0x100), UNWIND_FRAME);
	assert_int_equal(RUN("", 0x1ff), UNWIND_FRAME);
	assert_int_equal(RUN("", 0x200), UNWIND_UNKNOWN);
	assert_int_equal(RUN("", CODE_SIZE), UNWIND_UNKNOWN);
}

static void undefined_return_address_is_the_end(void **state)
{
	struct unwind_cursor cursor;

	(void)state;
	assert_int_equal(RUN("\x07\x10", 0x100), UNWIND_END);
}

static void every_rule_kind(void **state)
{
	struct unwind_cursor cursor;

	(void)state;
	/* rbx in rbp (register) */
	assert_int_equal(RUN("\x09\x03\x06", 0x100), UNWIND_FRAME);
	assert_int_equal(cursor.regs.value[BX], (uint64_t)&stack[8]);
	/* rbx = CFA - 16 (val_offset 2) */
	assert_int_equal(RUN("\x14\x03\x02", 0x100), UNWIND_FRAME);
	assert_int_equal(cursor.regs.value[BX], (uint64_t)&stack[0] - 8);
	/* rbx at CFA + 16 (offset_extended_sf -2) */
	assert_int_equal(RUN("\x11\x03\x7e", 0x100), UNWIND_FRAME);
	assert_int_equal(cursor.regs.value[BX], 0x1003);
	/* rbx saved at breg7 + 24; rbx is breg7 + 24 */
	assert_int_equal(RUN("\x10\x03\x02\x77\x18", 0x100), UNWIND_FRAME);
	assert_int_equal(cursor.regs.value[BX], 0x1003);
	assert_int_equal(RUN("\x16\x03\x02\x77\x18", 0x100), UNWIND_FRAME);
	assert_int_equal(cursor.regs.value[BX], (uint64_t)&stack[3]);
	/* undefined, then nobody may rely on it */
	assert_int_equal(RUN("\x07\x03", 0x100), UNWIND_FRAME);
	assert_false(cursor.regs.known >> BX & 1);
	/* undefined and restored to the CIE's */
	assert_int_equal(RUN("\x07\x03\xc3", 0x100), UNWIND_FRAME);
	assert_true(cursor.regs.known >> BX & 1);
	/* remember, change, restore */
	assert_int_equal(RUN("\x0a\x0e\x20\x0b", 0x100), UNWIND_FRAME);
	assert_int_equal(cursor.regs.pc, 0x1000);
	/* a vector register's rule is of no concern */
	assert_int_equal(RUN("\x05\x40\x05", 0x100), UNWIND_FRAME);
	/* CFA by a register that isn't known: r12 */
	assert_int_equal(RUN("\x0c\x0c\x08", 0x100), UNWIND_NEEDS_REGISTER);
}

/* rsp + 8 + ((rip & 15) >= 11) * 8: how binutils describes a PLT entry; RIP is column 16. */
static void plt_expression(void **state)
{
	static const char plt[] = "\x0f\x0b\x77\x08\x80\x00\x3f\x1a\x3b\x2a\x33\x24\x22";
	/* a deref of rbp - 8 (realigned stack): CFA = stack[7] = 0x1007, wild */
	static const char realigned[] = "\x0f\x03\x76\x78\x06";
	struct unwind_cursor cursor;

	(void)state;
	/* column 16 is not known in step_at(): asked for, not guessed */
	assert_int_equal(RUN(plt, 0x100), UNWIND_NEEDS_REGISTER);
	assert_int_equal(RUN(realigned, 0x100), UNWIND_UNKNOWN);
}

static void bad_expressions_are_unknown(void **state)
{
	struct unwind_cursor cursor;

	(void)state;
	assert_int_equal(RUN("\x0f\x01\x22", 0x100), UNWIND_UNKNOWN); /* plus on nothing */
	assert_int_equal(RUN("\x0f\x00", 0x100), UNWIND_UNKNOWN);     /* no value */
	assert_int_equal(RUN("\x0f\x01\xff", 0x100), UNWIND_UNKNOWN); /* no such operation */
	assert_int_equal(RUN("\x0f\x03\x2f\xfd\xff", 0x100), UNWIND_UNKNOWN); /* skip to itself */
	assert_int_equal(RUN("\x0f\x04\x30\x2f\xfc\xff", 0x100),
			 UNWIND_UNKNOWN);				      /* push for ever */
	assert_int_equal(RUN("\x0f\x02\x30\x06", 0x100), UNWIND_UNKNOWN);     /* *NULL */
	assert_int_equal(RUN("\x0f\x03\x2f\x70\x00", 0x100), UNWIND_UNKNOWN); /* skip outside */
}

static void bad_programs_are_unknown(void **state)
{
	struct unwind_cursor cursor;

	(void)state;
	assert_int_equal(RUN("\x3f", 0x100), UNWIND_UNKNOWN); /* no such instruction */
	assert_int_equal(RUN("\x2d", 0x100), UNWIND_UNKNOWN); /* window save */
	assert_int_equal(RUN("\x0b", 0x100), UNWIND_UNKNOWN); /* restore of nothing */
	assert_int_equal(RUN("\x04\x00\x10\x00\x00", 0x100), UNWIND_UNKNOWN); /* beyond the end */
	assert_int_equal(RUN("\x0d\x50", 0x100), UNWIND_UNKNOWN);	      /* no such register */
	assert_int_equal(RUN("\x0f\x7f\x77", 0x100), UNWIND_UNKNOWN);	      /* cut off */
	assert_int_equal(RUN("\x09\x03\x50", 0x100), UNWIND_UNKNOWN);
	/* One bad instruction at the end spoils the function's start as well. */
	assert_int_equal(RUN("\x41\x0e\x10\x3f", 0x100), UNWIND_UNKNOWN);
}

static void signal_frames_resume_exactly(void **state)
{
	struct unwind_cursor cursor;
	struct unwind_table *table;

	(void)state;
	memset(&section, 0, sizeof(section));
	/* 'S' has no data: the size of the augmentation stays one */
	add_cie(&section, "zRS");
	add_fde(&section, CODE + 0x100, 0x10, "", 0);
	table = compile(&section);
	assert_int_equal(step_at(table, 0x100, &cursor), UNWIND_FRAME);
	assert_true(cursor.exact);
	unwind_table_destroy(table);
}

static void unknown_augmentation_is_unknown(void **state)
{
	static const char *const letters[] = {"zRB", "eh", "zRx", "R"};
	struct unwind_cursor cursor;

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		struct unwind_table *table;

		memset(&section, 0, sizeof(section));
		add_cie(&section, letters[i]);
		add_fde(&section, CODE + 0x100, 0x10, "", 0);
		table = compile(&section);
		assert_int_equal(step_at(table, 0x100, &cursor), UNWIND_UNKNOWN);
		unwind_table_destroy(table);
	}
}

static void overlapping_functions_are_unknown(void **state)
{
	struct unwind_cursor cursor;
	struct unwind_table *table;

	(void)state;
	memset(&section, 0, sizeof(section));
	add_cie(&section, "zR");
	add_fde(&section, CODE + 0x300, 0x10, "", 0); /* not in order: sorted */
	add_fde(&section, CODE + 0x100, 0x100, "", 0);
	add_fde(&section, CODE + 0x180, 0x100, "\x0e\x10", 2);
	add_fde(&section, CODE + 0x300, 0x10, "", 0); /* twice the same: fine */
	table = compile(&section);
	assert_int_equal(step_at(table, 0x17f, &cursor), UNWIND_FRAME);
	assert_int_equal(step_at(table, 0x180, &cursor), UNWIND_UNKNOWN);
	assert_int_equal(step_at(table, 0x27f, &cursor), UNWIND_UNKNOWN);
	assert_int_equal(step_at(table, 0x300, &cursor), UNWIND_FRAME);
	unwind_table_destroy(table);
}

static void no_progress_is_unknown(void **state)
{
	struct unwind_cursor cursor;
	struct unwind_table *table;
	static struct unwind_memory memory;
	struct arch_regs regs = {.pc = CODE + 0x100};
	unsigned steps = 0;

	(void)state;
	memset(&section, 0, sizeof(section));
	add_cie(&section, "zR");
	/* The stack pointer of the caller is our own: a circle. */
	add_fde(&section, CODE + 0x100, 0x100, "\x16\x07\x02\x77\x00", 5);
	table = compile(&section);
	stack[0] = CODE + 0x110;
	regs.value[SP] = (uint64_t)&stack[0];
	regs.known = 1u << SP;
	unwind_memory_init_stopped(&memory, getpid(), -1);
	unwind_start_stopped(&cursor, &regs);
	while (unwind_step_stopped(table, &memory, &cursor) == UNWIND_FRAME)
		assert_true(++steps < 1000);
	unwind_table_destroy(table);
}

/* Every truncation and every flipped byte of a section: no crash, and the table stays usable. */
static void corrupt_sections(void **state)
{
	static const char program[] =
		"\x41\x0e\x10\x86\x02\x43\x0d\x06\x0f\x03\x77\x08\x06\x02\x10\x0c"
		"\x07\x08\x10\x03\x02\x77\x18";
	struct section good = {0};
	struct unwind_cursor cursor;

	(void)state;
	add_cie(&good, "zR");
	add_fde(&good, CODE + 0x100, 0x100, program, sizeof(program) - 1);
	add_fde(&good, CODE + 0x200, 0x100, program, sizeof(program) - 1);
	for (size_t size = 0; size <= good.size; size++) {
		/* On the heap, exactly as large: a sanitizer sees a read beyond. */
		struct unwind_object object = {
			.name = "cut", .start = CODE, .end = CODE + CODE_SIZE};
		uint8_t *copy = malloc(size ? size : 1);
		struct unwind_table *table;

		memcpy(copy, good.bytes, size);
		object.eh_frame = object.data_start = (uintptr_t)copy;
		object.eh_frame_size = size;
		object.data_end = object.data_start + size;
		assert_int_equal(unwind_table_create(&object, 1, NULL, &table, NULL), 0);
		for (size_t pc = 0x100; pc < 0x300; pc += 3)
			step_at(table, pc, &cursor);
		unwind_table_destroy(table);
		free(copy);
	}
	for (size_t at = 0; at < good.size; at++) {
		static const uint8_t values[] = {0x00, 0x01, 0x7f, 0x80, 0xff, 0x0f, 0x10};

		for (size_t v = 0; v < sizeof(values); v++) {
			struct section bad = good;
			struct unwind_table *table;

			bad.bytes[at] = values[v];
			table = compile(&bad);
			for (size_t pc = 0x100; pc < 0x300; pc += 7)
				step_at(table, pc, &cursor);
			unwind_table_destroy(table);
		}
	}
}

static void overlapping_objects_are_refused(void **state)
{
	struct unwind_object objects[2];
	struct unwind_table *table;
	struct suture_error err;

	(void)state;
	memset(&section, 0, sizeof(section));
	add_cie(&section, "zR");
	objects[0] = (struct unwind_object){.name = "a", .start = CODE, .end = CODE + 16};
	objects[0].eh_frame = objects[0].data_start = (uintptr_t)section.bytes;
	objects[0].eh_frame_size = section.size;
	objects[0].data_end = objects[0].data_start + section.size;
	objects[1] = objects[0];
	assert_int_equal(unwind_table_create(objects, 2, NULL, &table, &err), -SUTURE_E_USAGE);
}

static void other_bytes_at_the_same_place_are_not_shared(void **state)
{
	struct unwind_object object = {.name = "a", .start = CODE, .end = CODE + CODE_SIZE};
	struct unwind_table *first, *second, *third;
	struct unwind_statistics statistics;

	(void)state;
	memset(&section, 0, sizeof(section));
	add_cie(&section, "zR");
	add_fde(&section, CODE + 0x100, 0x100, "", 0);
	object.eh_frame = object.data_start = (uintptr_t)section.bytes;
	object.eh_frame_size = section.size;
	object.data_end = object.data_start + section.size;
	assert_int_equal(unwind_table_create(&object, 1, NULL, &first, NULL), 0);
	assert_int_equal(unwind_table_create(&object, 1, first, &second, NULL), 0);
	unwind_table_statistics(second, &statistics);
	assert_int_equal(statistics.reused, 1);
	section.bytes[section.size - 1] = 0x2e;
	assert_int_equal(unwind_table_create(&object, 1, second, &third, NULL), 0);
	unwind_table_statistics(third, &statistics);
	assert_int_equal(statistics.reused, 0);
	unwind_table_destroy(first);
	unwind_table_destroy(second);
	unwind_table_destroy(third);
	unwind_table_destroy(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rules_change_with_the_address),
		cmocka_unit_test(outside_of_functions_is_unknown),
		cmocka_unit_test(undefined_return_address_is_the_end),
		cmocka_unit_test(every_rule_kind),
		cmocka_unit_test(plt_expression),
		cmocka_unit_test(bad_expressions_are_unknown),
		cmocka_unit_test(bad_programs_are_unknown),
		cmocka_unit_test(signal_frames_resume_exactly),
		cmocka_unit_test(unknown_augmentation_is_unknown),
		cmocka_unit_test(overlapping_functions_are_unknown),
		cmocka_unit_test(no_progress_is_unknown),
		cmocka_unit_test(corrupt_sections),
		cmocka_unit_test(overlapping_objects_are_refused),
		cmocka_unit_test(other_bytes_at_the_same_place_are_not_shared),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
