/* SPDX-License-Identifier: MIT */
/*
 * Reading relocatable objects. libelf translates, this file checks: a damaged object is an error
 * here and never a bad index later.
 */
#include "object.h"

#include "base/error.h"
#include "base/file.h"

#include <gelf.h>
#include <stdlib.h>
#include <string.h>

enum { OBJECT_LIMIT = 1 << 30 };

/* One reading in progress. */
struct reading {
	struct arena *arena;
	struct object *object;
	Elf *elf;
	Elf_Scn *symtab;
	size_t symtab_index;
	Elf_Data *indices; /* SHT_SYMTAB_SHNDX, or NULL */
	struct suture_error *err;
};

static int damaged(struct reading *r, const char *what)
{
	return error_set(r->err, SUTURE_E_BAD_INPUT, "%s: damaged object file: %s", r->object->path,
			 what);
}

static int read_section(struct reading *r, size_t index, Elf_Scn *scn, size_t names)
{
	struct object_section *section = &r->object->sections[index];
	const char *name;
	Elf_Data *data;
	GElf_Shdr shdr;

	if (!gelf_getshdr(scn, &shdr))
		return damaged(r, "section header");
	name = elf_strptr(r->elf, names, shdr.sh_name);
	if (!name)
		return damaged(r, "section name");
	section->name = arena_text(r->arena, name);
	section->type = shdr.sh_type;
	section->flags = shdr.sh_flags;
	section->size = shdr.sh_size;
	section->align = shdr.sh_addralign ? shdr.sh_addralign : 1;
	section->entry_size = shdr.sh_entsize;
	section->link = shdr.sh_link;
	section->info = shdr.sh_info;
	if (section->align & (section->align - 1))
		return damaged(r, "section alignment");
	if (strncmp(name, ".gnu.lto_", 9) == 0)
		r->object->lto = true;
	if (shdr.sh_type == SHT_SYMTAB) {
		r->symtab = scn;
		r->symtab_index = index;
	}
	if (shdr.sh_type == SHT_SYMTAB_SHNDX)
		r->indices = elf_getdata(scn, NULL);
	if (shdr.sh_type == SHT_NOBITS || shdr.sh_size == 0)
		return 0;
	data = elf_rawdata(scn, NULL);
	if (!data || !data->d_buf || data->d_size != shdr.sh_size)
		return damaged(r, "section contents");
	section->data = data->d_buf;
	return 0;
}

static int read_sections(struct reading *r)
{
	struct object *object = r->object;
	Elf_Scn *scn = NULL;
	size_t names;

	if (elf_getshdrnum(r->elf, &object->section_count) || elf_getshdrstrndx(r->elf, &names) ||
	    object->section_count == 0)
		return damaged(r, "section table");
	object->sections = arena_array(r->arena, object->section_count, sizeof(*object->sections));
	if (!object->sections)
		return error_no_memory(r->err);
	object->sections[0].name = "";
	while ((scn = elf_nextscn(r->elf, scn))) {
		size_t index = elf_ndxscn(scn);
		int code;

		if (index >= object->section_count)
			return damaged(r, "section index");
		code = read_section(r, index, scn, names);
		if (code)
			return code;
	}
	return 0;
}

static int read_symbol(struct reading *r, Elf_Data *data, size_t index, size_t strings)
{
	struct object_symbol *symbol = &r->object->symbols[index];
	Elf32_Word extended = 0;
	const char *name;
	GElf_Sym sym;

	if (!gelf_getsymshndx(data, r->indices, (int)index, &sym, &extended))
		return damaged(r, "symbol");
	name = elf_strptr(r->elf, strings, sym.st_name);
	if (!name)
		return damaged(r, "symbol name");
	symbol->name = *name ? arena_text(r->arena, name) : "";
	symbol->value = sym.st_value;
	symbol->size = sym.st_size;
	symbol->type = GELF_ST_TYPE(sym.st_info);
	symbol->bind = GELF_ST_BIND(sym.st_info);
	symbol->visibility = GELF_ST_VISIBILITY(sym.st_other);
	if (sym.st_shndx == SHN_XINDEX)
		symbol->section = extended;
	else if (sym.st_shndx == SHN_COMMON)
		symbol->section = OBJECT_COMMON;
	else if (sym.st_shndx == SHN_ABS)
		symbol->section = OBJECT_ABSOLUTE;
	else
		symbol->section = sym.st_shndx;
	if (symbol->section == OBJECT_COMMON || symbol->section == OBJECT_ABSOLUTE) {
		if (symbol->type == STT_FILE && !r->object->file)
			r->object->file = symbol->name;
		return 0;
	}
	if (symbol->section >= r->object->section_count)
		return damaged(r, "symbol's section");
	if (symbol->section != OBJECT_UNDEFINED) {
		uint64_t size = r->object->sections[symbol->section].size;

		if (symbol->value <= size && symbol->size <= size - symbol->value)
			return 0;
		/* ".set far, f + 4096": counted from its section, and names nothing in it. */
		if (symbol->type == STT_SECTION)
			return damaged(r, "symbol outside its section");
		symbol->section = OBJECT_ABSOLUTE;
		symbol->outside = true;
	}
	return 0;
}

static int read_symbols(struct reading *r)
{
	struct object *object = r->object;
	GElf_Shdr shdr;
	Elf_Data *data;

	if (!r->symtab) {
		object->symbols = arena_array(r->arena, 1, sizeof(*object->symbols));
		if (!object->symbols)
			return error_no_memory(r->err);
		object->symbols[0].name = "";
		object->symbol_count = 1;
		return 0;
	}
	data = elf_getdata(r->symtab, NULL);
	if (!data || !gelf_getshdr(r->symtab, &shdr) || shdr.sh_entsize == 0)
		return damaged(r, "symbol table");
	object->symbol_count = data->d_size / shdr.sh_entsize;
	object->symbols = arena_array(r->arena, object->symbol_count + 1, sizeof(*object->symbols));
	if (!object->symbols)
		return error_no_memory(r->err);
	for (size_t i = 0; i < object->symbol_count; i++) {
		int code = read_symbol(r, data, i, shdr.sh_link);

		if (code)
			return code;
	}
	return 0;
}

static int by_offset(const void *left, const void *right)
{
	const struct object_reloc *a = left;
	const struct object_reloc *b = right;

	return a->offset < b->offset ? -1 : a->offset > b->offset;
}

/*
 * x86-64 has none in what becomes code or data. clang writes such for the linker alone, about its
 * profile (.llvm.call-graph-profile).
 */
static bool is_without_addends(const struct object *object, size_t index)
{
	const struct object_section *table = &object->sections[index];

	return table->type == SHT_REL && (table->info >= object->section_count ||
					  object->sections[table->info].flags & SHF_ALLOC);
}

static int read_relocs(struct reading *r, size_t index)
{
	struct object_section *table = &r->object->sections[index];
	struct object_section *section;
	Elf_Data *data = elf_getdata(elf_getscn(r->elf, index), NULL);

	if (table->info == 0 || table->info >= r->object->section_count || !data ||
	    table->link != r->symtab_index)
		return damaged(r, "relocation section");
	section = &r->object->sections[table->info];
	if (section->relocs || section->type == SHT_NOBITS)
		return damaged(r, "relocations of a section twice, or of one without contents");
	section->reloc_count = table->entry_size ? data->d_size / table->entry_size : 0;
	section->relocs = arena_array(r->arena, section->reloc_count, sizeof(*section->relocs));
	if (!section->relocs)
		return error_no_memory(r->err);
	for (size_t i = 0; i < section->reloc_count; i++) {
		struct object_reloc *reloc = &section->relocs[i];
		GElf_Rela rela;

		if (!gelf_getrela(data, (int)i, &rela))
			return damaged(r, "relocation");
		reloc->offset = rela.r_offset;
		reloc->addend = rela.r_addend;
		reloc->type = (uint32_t)GELF_R_TYPE(rela.r_info);
		reloc->symbol = (uint32_t)GELF_R_SYM(rela.r_info);
		/* Compressed debug information: offsets are those of the text before. */
		if ((reloc->offset >= section->size && !(section->flags & SHF_COMPRESSED)) ||
		    reloc->symbol >= r->object->symbol_count)
			return damaged(r, "relocation out of range");
		if (r->object->symbols[reloc->symbol].outside && section->flags & SHF_ALLOC)
			r->object->outside = r->object->symbols[reloc->symbol].name;
	}
	qsort(section->relocs, section->reloc_count, sizeof(*section->relocs), by_offset);
	/* Linkers merge nothing that they have to fill in. */
	if (section->reloc_count)
		section->flags &= ~(uint64_t)(SHF_MERGE | SHF_STRINGS);
	return 0;
}

/* Marks the members of a COMDAT group. */
static int read_group(struct reading *r, size_t index)
{
	struct object_section *group = &r->object->sections[index];
	Elf_Data *data = elf_getdata(elf_getscn(r->elf, index), NULL);
	const uint32_t *words = data ? data->d_buf : NULL;

	if (!words || data->d_size < sizeof(*words) || group->info >= r->object->symbol_count)
		return damaged(r, "section group");
	if (!(words[0] & GRP_COMDAT))
		return 0;
	for (size_t i = 1; i < data->d_size / sizeof(*words); i++) {
		if (words[i] >= r->object->section_count)
			return damaged(r, "section group");
		r->object->sections[words[i]].group = (uint32_t)index;
	}
	return 0;
}

static int compare_values(const void *left, const void *right, void *context)
{
	const struct object_symbol *symbols = context;
	uint32_t a = *(const uint32_t *)left;
	uint32_t b = *(const uint32_t *)right;

	if (symbols[a].value != symbols[b].value)
		return symbols[a].value < symbols[b].value ? -1 : 1;
	return a < b ? -1 : a > b;
}

static int index_symbols(struct reading *r)
{
	struct object *object = r->object;

	for (int pass = 0; pass < 2; pass++) {
		for (size_t i = 1; i < object->symbol_count; i++) {
			struct object_symbol *symbol = &object->symbols[i];
			struct object_section *section;

			if (!object_defines(object, symbol) || symbol->type == STT_SECTION ||
			    symbol->type == STT_FILE)
				continue;
			section = &object->sections[symbol->section];
			if (pass)
				section->symbols[section->symbol_count] = (uint32_t)i;
			section->symbol_count++;
		}
		for (size_t i = 0; i < object->section_count; i++) {
			struct object_section *section = &object->sections[i];

			if (pass) {
				qsort_r(section->symbols, section->symbol_count, sizeof(uint32_t),
					compare_values, object->symbols);
				continue;
			}
			section->symbols =
				arena_array(r->arena, section->symbol_count, sizeof(uint32_t));
			if (!section->symbols)
				return error_no_memory(r->err);
			section->symbol_count = 0;
		}
	}
	return 0;
}

static int read_all(struct reading *r)
{
	struct object *object = r->object;
	GElf_Ehdr ehdr;
	int code;

	if (elf_kind(r->elf) != ELF_K_ELF || !gelf_getehdr(r->elf, &ehdr) ||
	    ehdr.e_ident[EI_CLASS] != ELFCLASS64 || ehdr.e_ident[EI_DATA] != ELFDATA2LSB ||
	    ehdr.e_type != ET_REL)
		return error_set(r->err, SUTURE_E_BAD_INPUT, "%s: not a 64-bit ELF object file",
				 object->path);
	object->machine = ehdr.e_machine;
	code = read_sections(r);
	if (!code)
		code = read_symbols(r);
	for (size_t i = 1; !code && i < object->section_count; i++) {
		if (object->sections[i].type == SHT_RELA)
			code = read_relocs(r, i);
		else if (object->sections[i].type == SHT_GROUP)
			code = read_group(r, i);
		else if (is_without_addends(object, i))
			code = damaged(r, "relocations without addends");
	}
	return code ? code : index_symbols(r);
}

int object_read(struct arena *arena, const char *path, struct object *object,
		struct suture_error *err)
{
	struct reading r = {.arena = arena, .object = object, .err = err};
	cleanup_memory uint8_t *data = NULL;
	uint8_t *image;
	size_t size;
	int code = file_read(path, OBJECT_LIMIT, &data, &size, err);

	if (code)
		return code;
	/* What clang -flto writes is no ELF file at all. */
	if (size >= 4 && memcmp(data, "BC\xc0\xde", 4) == 0) {
		code = object_empty(arena, object, err);
		object->lto = true;
		return code;
	}
	*object = (struct object){.path = arena_text(arena, path)};
	/* libelf hands out pointers into the image: it must live as long as the arena. */
	image = arena_array(arena, size, 1);
	if (!image || !object->path)
		return error_no_memory(err);
	memcpy(image, data, size);
	elf_version(EV_CURRENT);
	r.elf = elf_memory((char *)image, size);
	if (!r.elf)
		return error_set(err, SUTURE_E_BAD_INPUT, "%s: not an ELF file", path);
	code = read_all(&r);
	if (!code)
		code = arena_check(arena, err);
	elf_end(r.elf);
	return code;
}

int object_empty(struct arena *arena, struct object *object, struct suture_error *err)
{
	*object = (struct object){.path = "", .section_count = 1, .symbol_count = 1};
	object->sections = arena_array(arena, 1, sizeof(*object->sections));
	object->symbols = arena_array(arena, 1, sizeof(*object->symbols));
	if (!object->sections || !object->symbols)
		return error_no_memory(err);
	object->sections[0].name = "";
	object->symbols[0].name = "";
	return 0;
}

const struct object_reloc *object_relocs(const struct object_section *section, uint64_t start,
					 uint64_t end, size_t *count)
{
	size_t low = 0;
	size_t high = section->reloc_count;
	size_t first;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (section->relocs[middle].offset < start)
			low = middle + 1;
		else
			high = middle;
	}
	first = low;
	while (low < section->reloc_count && section->relocs[low].offset < end)
		low++;
	*count = low - first;
	return section->relocs + first;
}
