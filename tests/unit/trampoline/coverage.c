/* SPDX-License-Identifier: MIT */
/*
 * Which tier serves the functions of installed programs and libraries, each function taken by
 * itself. Prints the figures; fails when patchable functions become rare.
 */
#include "../arch/elffile.h"
#include "../test.h"

#include "arch/arch.h"
#include "trampoline/tier.h"

#include <inttypes.h>

enum { NEIGHBOURS = 8 };

struct function {
	uint64_t address;
	size_t size;
	const char *name;
};

struct image {
	struct elffile file;
	struct function *functions; /* by address, none overlapping */
	size_t count;
};

struct tally {
	size_t tiers[TRAMPOLINE_PUN + 1];
	size_t callable;
	size_t gateable;
	size_t total;
};

static int by_address(const void *a, const void *b)
{
	const struct function *left = a, *right = b;

	return left->address < right->address ? -1 : left->address > right->address;
}

static bool read_image(void *context, uintptr_t address, void *out, size_t size)
{
	const struct image *image = context;
	const Elf64_Phdr *headers =
		(const Elf64_Phdr *)(image->file.data + image->file.header->e_phoff);
	size_t left;
	const uint8_t *bytes = elffile_at(&image->file, address, &left);

	if (bytes && left >= size) {
		memcpy(out, bytes, size);
		return true;
	}
	/* Memory that the file does not hold: .bss, and the rest of its last page. */
	for (size_t i = 0; i < image->file.header->e_phnum; i++) {
		uint64_t end = (headers[i].p_vaddr + headers[i].p_memsz + 4095) & ~UINT64_C(4095);

		if (headers[i].p_type == PT_LOAD && address >= headers[i].p_vaddr &&
		    address + size <= end) {
			memset(out, 0, size);
			return true;
		}
	}
	return false;
}

static bool load(struct image *image, const char *path)
{
	const Elf64_Sym *symbols;
	const char *names = "";
	size_t count = 0, kept = 0;

	if (!elffile_open(&image->file, path))
		return false;
	symbols = elffile_symbols(&image->file, &count, &names);
	image->functions = calloc(count + 1, sizeof(*image->functions));
	assert_non_null(image->functions);
	for (size_t i = 0; symbols && i < count; i++) {
		size_t left;

		if (ELF64_ST_TYPE(symbols[i].st_info) != STT_FUNC || !symbols[i].st_shndx ||
		    !symbols[i].st_size)
			continue;
		if (!elffile_at(&image->file, symbols[i].st_value, &left) ||
		    left < symbols[i].st_size)
			continue;
		image->functions[kept++] = (struct function){.address = symbols[i].st_value,
							     .size = symbols[i].st_size,
							     .name = names + symbols[i].st_name};
	}
	qsort(image->functions, kept, sizeof(*image->functions), by_address);
	image->count = 0;
	for (size_t i = 0; i < kept; i++) {
		struct function *last = &image->functions[image->count ? image->count - 1 : 0];

		if (image->count && image->functions[i].address < last->address + last->size)
			continue;
		image->functions[image->count++] = image->functions[i];
	}
	return true;
}

static size_t gap_behind(const struct image *image, size_t index)
{
	const struct function *function = &image->functions[index];
	size_t left = 0;
	uint64_t end = function->address + function->size;

	if (index + 1 < image->count)
		return image->functions[index + 1].address - end;
	return elffile_at(&image->file, end, &left) && left < 16 ? left : 0;
}

static size_t padding_behind(const struct image *image, size_t index, const uint8_t **bytes)
{
	const struct function *function = &image->functions[index];
	size_t gap = gap_behind(image, index), left;

	*bytes = elffile_at(&image->file, function->address + function->size, &left);
	/* With exported symbols alone much code has no name: look at what may be alignment. */
	if (gap > 64)
		gap = 64;
	if (!*bytes || left < gap)
		return 0;
	return trampoline_padding(elffile_at(&image->file, function->address, NULL), function->size,
				  function->address, *bytes, gap);
}

static void plan_one(struct image *image, size_t index, struct tally *tally)
{
	const struct function *function = &image->functions[index];
	size_t first = index > NEIGHBOURS ? index - NEIGHBOURS : 0;
	struct trampoline_hole holes[2 * NEIGHBOURS + 1];
	struct trampoline_target target = {
		.name = function->name,
		.entry = function->address,
		.size = function->size,
		.code = elffile_at(&image->file, function->address, NULL),
		.holes = holes,
		.read = read_image,
		.read_context = image,
	};
	struct trampoline plan;
	struct suture_error err;

	target.padding_after = padding_behind(image, index, &target.following);
	if (target.following) {
		elffile_at(&image->file, function->address + function->size,
			   &target.following_size);
		if (target.following_size > 64)
			target.following_size = 64;
	}
	/* Looking for holes is worth the time only where an entry is difficult. */
	if (trampoline_plan(&target, function->address + 0x100000, NULL, &plan, &err)) {
		for (size_t i = first; i <= index + NEIGHBOURS && i < image->count; i++) {
			struct trampoline_hole *hole = &holes[target.hole_count];

			if (i == index)
				continue;
			hole->size = padding_behind(image, i, &hole->code);
			hole->address = image->functions[i].address + image->functions[i].size;
			if (hole->size >= 5)
				target.hole_count++;
		}
		if (trampoline_plan(&target, function->address + 0x100000, NULL, &plan, &err)) {
			plan.tier = TRAMPOLINE_NONE;
			plan.why_not = ARCH_TOO_SHORT;
			if (getenv("SUTURE_VERBOSE"))
				print_message("%s\n", err.message);
		}
	}
	tally->tiers[plan.tier]++;
	if (plan.tier != TRAMPOLINE_NONE &&
	    plan.site - trampoline_gate(&plan) + plan.window_size >= arch_native()->near_jump_size)
		tally->gateable++;
	tally->callable += plan.why_not == ARCH_OK;
	tally->total++;
}

static void print_tally(const char *name, const struct tally *t)
{
	print_message("%-14s %6zu functions: plain %6.2f%%, padding %5.2f%%, hole %5.2f%%, "
		      "pun %5.2f%%, none %zu; original callable %6.2f%%; gate fits %5.1f%%\n",
		      name, t->total, 100.0 * (double)t->tiers[TRAMPOLINE_PLAIN] / (double)t->total,
		      100.0 * (double)t->tiers[TRAMPOLINE_PADDING] / (double)t->total,
		      100.0 * (double)t->tiers[TRAMPOLINE_HOLE] / (double)t->total,
		      100.0 * (double)t->tiers[TRAMPOLINE_PUN] / (double)t->total,
		      t->tiers[TRAMPOLINE_NONE], 100.0 * (double)t->callable / (double)t->total,
		      100.0 * (double)t->gateable / (double)t->total);
}

static void nearly_every_function_can_be_patched(void **state)
{
	static const char *const files[] = {
		"/lib/x86_64-linux-gnu/libc.so.6",
		"/lib/x86_64-linux-gnu/libm.so.6",
		"/usr/lib/x86_64-linux-gnu/libcrypto.so.3",
		"/usr/lib/x86_64-linux-gnu/libstdc++.so.6",
		"/usr/lib/x86_64-linux-gnu/libpython3.11.so.1.0",
		"/usr/bin/python3.11",
		"/usr/bin/gdb",
		"/proc/self/exe",
	};
	const char *own = getenv("SUTURE_COVERAGE_FILE");
	struct tally all = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]) + 1; i++) {
		const char *path = i < sizeof(files) / sizeof(files[0]) ? files[i] : own;
		struct tally tally = {0};
		struct image image;

		if (!path || !load(&image, path))
			continue;
		for (size_t k = 0; k < image.count; k++)
			plan_one(&image, k, &tally);
		if (tally.total)
			print_tally(strrchr(path, '/') + 1, &tally);
		for (size_t k = 0; k <= TRAMPOLINE_PUN; k++)
			all.tiers[k] += tally.tiers[k];
		all.total += tally.total;
		all.callable += tally.callable;
		all.gateable += tally.gateable;
		free(image.functions);
		elffile_close(&image.file);
	}
	print_tally("all", &all);
	assert_true(all.tiers[TRAMPOLINE_NONE] * 500 <= all.total);
	assert_true(all.tiers[TRAMPOLINE_PLAIN] * 100 >= all.total * 95);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nearly_every_function_can_be_patched),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
