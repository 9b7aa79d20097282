/* SPDX-License-Identifier: MIT */
/* Names for addresses; see names.h. Reads the module's file afresh: only failures need names. */
#include "image/names.h"

#include "base/file.h"
#include "base/reader.h"
#include "image/dynamic.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { NAMES_FILE_LIMIT = 1 << 30 };

struct best_symbol {
	const char *name;
	uint64_t start;
};

/* offset is a link-time address. Keeps the symbol that covers it. */
static void consider(struct best_symbol *best, const ElfW(Sym) * symbol, const char *name,
		     uint64_t offset)
{
	if (ELF64_ST_TYPE(symbol->st_info) != STT_FUNC || symbol->st_shndx == SHN_UNDEF ||
	    offset < symbol->st_value)
		return;
	if (symbol->st_size ? offset - symbol->st_value >= symbol->st_size
			    : offset != symbol->st_value)
		return;
	best->name = name;
	best->start = symbol->st_value;
}

static void search_file(const uint8_t *data, size_t size, uint64_t offset, struct best_symbol *best)
{
	struct reader file;
	const ElfW(Ehdr) * header;

	reader_init(&file, data, size, "module");
	header = reader_bytes(&file, sizeof(*header));
	if (!header || memcmp(header->e_ident, ELFMAG, SELFMAG) != 0 ||
	    header->e_shentsize != sizeof(ElfW(Shdr)))
		return;
	for (size_t i = 0; i < header->e_shnum; i++) {
		struct reader at = reader_sub(&file, header->e_shoff + i * sizeof(ElfW(Shdr)),
					      sizeof(ElfW(Shdr)));
		const ElfW(Shdr) *section = reader_bytes(&at, sizeof(*section));
		const ElfW(Shdr) * strings_header;
		struct reader symbols, strings;

		if (!section || section->sh_type != SHT_SYMTAB)
			continue;
		at = reader_sub(&file, header->e_shoff + section->sh_link * sizeof(ElfW(Shdr)),
				sizeof(ElfW(Shdr)));
		strings_header = reader_bytes(&at, sizeof(*strings_header));
		if (!strings_header)
			return;
		symbols = reader_sub(&file, section->sh_offset, section->sh_size);
		strings = reader_sub(&file, strings_header->sh_offset, strings_header->sh_size);
		for (;;) {
			const ElfW(Sym) *symbol = reader_bytes(&symbols, sizeof(*symbol));
			const char *name;

			if (!symbol)
				return;
			reader_seek(&strings, symbol->st_name);
			name = reader_string(&strings);
			if (name)
				consider(best, symbol, name, offset);
		}
	}
}

/* The file may have been replaced since it was mapped: only the same build-id gives names. */
static bool same_build(const uint8_t *data, size_t size, const struct image_module *module)
{
	return module->build_id_size &&
	       memmem(data, size < 65536 ? size : 65536, module->build_id, module->build_id_size);
}

void names_describe(const struct image *image, uintptr_t address, bool exact, char *text,
		    size_t size)
{
	uintptr_t probe = exact ? address : address - 1;
	const struct image_module *module = image_find_address(image, probe);
	struct best_symbol best = {0};
	cleanup_memory uint8_t *data = NULL;
	size_t data_size = 0;
	struct dynamic dynamic;
	uint64_t offset;

	if (!module) {
		snprintf(text, size, "0x%" PRIxPTR, address);
		return;
	}
	offset = probe - module->bias;
	if (file_read(module->path, NAMES_FILE_LIMIT, &data, &data_size, NULL) == 0 &&
	    same_build(data, data_size, module))
		search_file(data, data_size, offset, &best);
	if (!best.name && dynamic_open(module, &dynamic, NULL) == 0)
		for (size_t i = 1; i < dynamic.symbol_count; i++)
			consider(&best, &dynamic.symbols[i],
				 dynamic.strings + dynamic.symbols[i].st_name, offset);
	if (best.name)
		snprintf(text, size, "%s+0x%" PRIx64 " (%s)", best.name,
			 address - module->bias - best.start, image_module_name(module));
	else
		snprintf(text, size, "0x%" PRIxPTR " (%s)", address - module->bias,
			 image_module_name(module));
}
