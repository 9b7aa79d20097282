/* SPDX-License-Identifier: MIT */
/* A binary as a survey wants it; see codefile.h. */
#include "cli/codefile.h"

#include "base/error.h"
#include "cli/crossings.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>

/* Where Linux puts position independent programs when it does not vary the address. */
static const uintptr_t usual_bias = 0x555555554000;

static const uint8_t *bytes(void *context, uintptr_t address, size_t *size)
{
	const struct codefile *file = context;
	uint64_t at = address - file->bias;
	const struct binary_section *section = binary_section_at(&file->binary, at, 1);

	*size = 0;
	if (!section || !section->data)
		return NULL;
	*size = section->size - (at - section->address);
	return section->data + (at - section->address);
}

/* Memory that sections do not describe, or that starts as zeros: .bss and the rest of its page. */
static bool is_zero_memory(const struct codefile *file, uint64_t at)
{
	for (size_t i = 0; i < file->binary.section_count; i++) {
		const struct binary_section *section = &file->binary.sections[i];
		uint64_t end = (section->address + section->size + 4095) & ~UINT64_C(4095);

		if ((section->flags & SHF_ALLOC) && at >= section->address && at < end)
			return true;
	}
	return false;
}

/* What the loader puts into pointers: jump tables of computed gotos are made of them. */
static void relocate(const struct codefile *file, uint64_t at, uint8_t *out, size_t size)
{
	for (size_t i = 0; i + sizeof(uint64_t) <= size; i++) {
		const struct binary_slot *slot = binary_slot(&file->binary, at + i);
		uint64_t value;

		if (!slot || slot->form != ARCH_RELOC_RELATIVE)
			continue;
		value = (uint64_t)slot->addend + file->bias;
		memcpy(out + i, &value, sizeof(value));
	}
}

static bool read_memory(void *context, uintptr_t address, void *out, size_t size)
{
	const struct codefile *file = context;
	uint64_t at = address - file->bias;
	size_t left;
	const uint8_t *found = bytes(context, address, &left);

	if (found && left >= size)
		memcpy(out, found, size);
	else if (is_zero_memory(file, at))
		memset(out, 0, size);
	else
		return false;
	relocate(file, at, out, size);
	return true;
}

static bool is_function(const struct codefile *file, const struct binary_symbol *symbol)
{
	const struct binary_section *section;

	if ((symbol->type != STT_FUNC && symbol->type != STT_GNU_IFUNC) || !symbol->size)
		return false;
	section = binary_section_at(&file->binary, symbol->address, symbol->size);
	return section && section->data && (section->flags & SHF_EXECINSTR);
}

/* One function an address; where symbols overlap, the one that begins first. */
static int take_functions(struct codefile *file, struct suture_error *err)
{
	const struct binary *binary = &file->binary;
	struct survey_function *functions =
		arena_array(&file->arena, binary->by_address_count, sizeof(*functions));
	uintptr_t *labels = arena_array(&file->arena, binary->by_address_count, sizeof(*labels));
	size_t count = 0, label_count = 0;

	if (!functions || !labels)
		return error_no_memory(err);
	for (size_t i = 0; i < binary->by_address_count; i++) {
		const struct binary_symbol *symbol = binary->by_address[i];
		uintptr_t address = symbol->address + file->bias;
		struct survey_function *last = count ? &functions[count - 1] : NULL;

		if (!label_count || labels[label_count - 1] != address)
			labels[label_count++] = address;
		if (!is_function(file, symbol) || (last && address < last->address + last->size))
			continue;
		functions[count++] = (struct survey_function){
			.name = symbol->name, .address = address, .size = symbol->size};
	}
	file->object = (struct survey_object){
		.functions = functions,
		.count = count,
		.labels = labels,
		.label_count = label_count,
		.bytes = bytes,
		.read = read_memory,
		.context = file,
	};
	return 0;
}

int codefile_open(struct codefile *file, const char *path, struct suture_error *err)
{
	int rc;

	*file = (struct codefile){0};
	rc = binary_read(&file->arena, path, NULL, &file->binary, err);
	if (rc)
		return rc;
	if (file->binary.arch != arch_native())
		return error_set(err, SUTURE_E_ARCHITECTURE, "%s is made for %s", path,
				 file->binary.arch->name);
	if (file->binary.position_independent)
		file->bias = usual_bias;
	rc = take_functions(file, err);
	return rc ? rc : crossings_add(file, err);
}

int codefile_need_functions(const struct codefile *file, struct suture_error *err)
{
	if (file->object.count > 0)
		return 0;
	error_set(err, SUTURE_E_BAD_INPUT, "%s has no function symbols", file->binary.path);
	return error_next(err, "give the unstripped file, or install its debug file");
}

void codefile_close(struct codefile *file)
{
	arena_fini(&file->arena);
}
