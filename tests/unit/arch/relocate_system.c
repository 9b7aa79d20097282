/* SPDX-License-Identifier: MIT */
/*
 * A property over the functions of installed libraries: every prologue that can be relocated does
 * the same as before, compared operand by operand as Capstone prints both.
 */
#include "arch/arch.h"
#include "elffile.h"

#include <capstone/capstone.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum { WINDOW = 5 };

static csh capstone;
static cs_insn *old_insn, *new_insn;

struct tally {
	size_t functions;
	size_t relocated;
	size_t reasons[ARCH_MISMATCH + 1];
};

static bool next(const uint8_t **code, size_t *size, uint64_t *address, cs_insn *insn)
{
	return cs_disasm_iter(capstone, code, size, address, insn);
}

/* Operand text with [rip + n] replaced by the address that it means. */
static void operands(const cs_insn *insn, char *text, size_t size)
{
	const char *rip = strstr(insn->op_str, "[rip ");
	const char *end;
	int64_t distance;

	snprintf(text, size, "%s", insn->op_str);
	if (!rip)
		return;
	end = strchr(rip, ']');
	distance = (int64_t)strtoull(rip + 7, NULL, 0);
	if (rip[5] == '-')
		distance = -distance;
	snprintf(text, size, "%.*s[=%#" PRIx64 "%s", (int)(rip - insn->op_str), insn->op_str,
		 insn->address + insn->size + (uint64_t)distance, end);
}

struct copy {
	const uint8_t *code;
	size_t size;
	uint64_t address;
};

static bool step(struct copy *copy)
{
	return next(&copy->code, &copy->size, &copy->address, new_insn);
}

static bool is_call(const cs_insn *insn)
{
	return insn->id == X86_INS_CALL;
}

/* The copy of a call: push of the return address, and a jump to the same place. */
static bool same_call(const cs_insn *old, struct copy *copy)
{
	uint64_t return_address = old->address + old->size;
	char old_text[192], new_text[192];

	if (!step(copy) || new_insn->id != X86_INS_PUSH ||
	    (uint32_t)strtoull(new_insn->op_str, NULL, 0) != (uint32_t)return_address)
		return false;
	if (!step(copy))
		return false;
	if (new_insn->id == X86_INS_MOV) {
		const char *value = strrchr(new_insn->op_str, ' ');

		if (strncmp(new_insn->op_str, "dword ptr [rsp + 4]", 19) != 0 ||
		    strtoull(value, NULL, 0) != return_address >> 32 || !step(copy))
			return false;
	}
	if (new_insn->id != X86_INS_JMP)
		return false;
	operands(old, old_text, sizeof(old_text));
	operands(new_insn, new_text, sizeof(new_text));
	return strcmp(old_text, new_text) == 0;
}

static bool same_insn(const cs_insn *old, struct copy *copy)
{
	char old_text[192], new_text[192];

	if (is_call(old))
		return same_call(old, copy);
	if (!step(copy) || strcmp(old->mnemonic, new_insn->mnemonic) != 0)
		return false;
	operands(old, old_text, sizeof(old_text));
	operands(new_insn, new_text, sizeof(new_text));
	return strcmp(old_text, new_text) == 0;
}

static bool same_window(const uint8_t *code, size_t size, uint64_t from, uint64_t to,
			const struct arch_relocated *moved)
{
	const uint8_t *at = code;
	struct copy copy = {moved->code, moved->size, to};
	size_t index = 0;

	while (at < code + moved->window_size) {
		size_t offset = (size_t)(at - code);

		while (index < moved->count && moved->rows[index].pushed)
			index++;
		if (index == moved->count || moved->rows[index].old_offset != offset ||
		    moved->rows[index].new_offset != (size_t)(copy.code - moved->code))
			return false;
		index++;
		if (!next(&at, &size, &from, old_insn) || !same_insn(old_insn, &copy))
			return false;
	}
	if (copy.size == 0) /* ends without coming back */
		return true;
	return step(&copy) && new_insn->id == X86_INS_JMP &&
	       strtoull(new_insn->op_str, NULL, 0) == from && copy.size == 0;
}

static void check_function(const char *name, const uint8_t *code, size_t size, uint64_t address,
			   struct tally *tally)
{
	const struct arch_ops *arch = arch_native();
	size_t mark = arch->entry_mark_size(code, size);
	uint64_t to = address + 0x12345670;
	struct arch_relocated moved;
	enum arch_reason reason;

	if (size < mark + WINDOW)
		return;
	tally->functions++;
	reason = arch->relocate(code + mark, size - mark, address + mark, WINDOW, to, &moved);
	tally->reasons[reason]++;
	if (reason != ARCH_OK)
		return;
	tally->relocated++;
	if (!same_window(code + mark, size - mark, address + mark, to, &moved))
		fail_msg("%s at %#" PRIx64 ": the copy differs: %s %s / %s %s", name, address,
			 old_insn->mnemonic, old_insn->op_str, new_insn->mnemonic,
			 new_insn->op_str);
}

static void check_file(const char *path, struct tally *tally)
{
	struct elffile file;
	const Elf64_Sym *symbols;
	const char *names;
	size_t count = 0;

	if (!elffile_open(&file, path))
		return;
	symbols = elffile_symbols(&file, &count, &names);
	for (size_t i = 0; symbols && i < count; i++) {
		size_t left;
		const uint8_t *code;

		if (ELF64_ST_TYPE(symbols[i].st_info) != STT_FUNC || !symbols[i].st_shndx)
			continue;
		code = elffile_at(&file, symbols[i].st_value, &left);
		if (code && symbols[i].st_size <= left)
			check_function(names + symbols[i].st_name, code, symbols[i].st_size,
				       symbols[i].st_value, tally);
	}
	elffile_close(&file);
}

static void relocated_prologues_do_the_same(void **state)
{
	static const char *const files[] = {
		"/lib/x86_64-linux-gnu/libc.so.6",
		"/lib/x86_64-linux-gnu/libm.so.6",
		"/usr/lib/x86_64-linux-gnu/libcrypto.so.3",
		"/usr/lib/x86_64-linux-gnu/libstdc++.so.6",
		"/usr/lib/x86_64-linux-gnu/libcapstone.so.4",
		"/usr/bin/gdb",
		"/usr/bin/python3.11",
	};
	struct tally tally = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		check_file(files[i], &tally);
	if (tally.functions == 0)
		skip();
	print_message("%zu functions, %zu relocated\n", tally.functions, tally.relocated);
	for (size_t i = 1; i <= ARCH_MISMATCH; i++)
		if (tally.reasons[i])
			print_message("  %zu: %s\n", tally.reasons[i], arch_reason_text(i));
	/* At least 98 of 100; what is left is calls at the very start and what Capstone can't read.
	 */
	assert_true(tally.relocated * 100 >= tally.functions * 98);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(relocated_prologues_do_the_same),
	};
	int failed;

	/* The folder under test opens Capstone first: it leaves other processors' parts out. */
	(void)arch_native()->padding_size((const uint8_t[]){0x90}, 1, 0);
	if (cs_open(CS_ARCH_X86, CS_MODE_64, &capstone) != CS_ERR_OK)
		return 77;
	old_insn = cs_malloc(capstone);
	new_insn = cs_malloc(capstone);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	cs_free(old_insn, 1);
	cs_free(new_insn, 1);
	cs_close(&capstone);
	return failed;
}
