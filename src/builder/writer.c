/* SPDX-License-Identifier: MIT */
/* Writing by libelf; the order of the file is that of the calls, local symbols first. */
#include "writer.h"

#include "base/bytes.h"
#include "base/error.h"
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <string.h>

void writer_init(struct writer *writer, struct arena *arena, uint16_t machine)
{
	struct writer_symbol none = {.name = ""};

	*writer = (struct writer){.arena = arena, .machine = machine};
	writer_add_symbol(writer, &none);
	writer->sections =
		arena_grow(arena, NULL, 0, &writer->section_capacity, sizeof(*writer->sections));
	if (writer->sections)
		writer->section_count = 1;
}

uint32_t writer_add_symbol(struct writer *writer, const struct writer_symbol *symbol)
{
	struct writer_symbol *grown =
		arena_grow(writer->arena, writer->symbols, writer->symbol_count,
			   &writer->symbol_capacity, sizeof(*writer->symbols));

	if (!grown)
		return 0;
	writer->symbols = grown;
	grown[writer->symbol_count] = *symbol;
	return (uint32_t)writer->symbol_count++;
}

uint32_t writer_add_section(struct writer *writer, const char *name, uint32_t type, uint64_t flags,
			    uint64_t align, uint64_t entry_size)
{
	struct writer_section *grown =
		arena_grow(writer->arena, writer->sections, writer->section_count,
			   &writer->section_capacity, sizeof(*writer->sections));
	struct writer_symbol symbol = {.name = "", .type = STT_SECTION, .bind = STB_LOCAL};

	if (!grown)
		return 0;
	writer->sections = grown;
	symbol.section = (uint32_t)writer->section_count;
	grown[writer->section_count] = (struct writer_section){
		.name = name,
		.type = type,
		.flags = flags,
		.align = align,
		.entry_size = entry_size,
		.symbol = writer_add_symbol(writer, &symbol),
	};
	return (uint32_t)writer->section_count++;
}

uint64_t writer_append(struct writer *writer, uint32_t index, const void *data, uint64_t size)
{
	struct writer_section *section = &writer->sections[index];
	uint64_t offset = section->size;

	if (section->type != SHT_NOBITS && section->size + size > section->capacity) {
		uint64_t capacity = (section->size + size) * 2;
		uint8_t *grown = arena_array(writer->arena, capacity, 1);

		if (!grown)
			return 0;
		if (section->size)
			memcpy(grown, section->data, section->size);
		section->data = grown;
		section->capacity = capacity;
	}
	if (data && size && section->type != SHT_NOBITS)
		memcpy(section->data + offset, data, size);
	section->size += size;
	return offset;
}

void writer_add_reloc(struct writer *writer, uint32_t index, const struct writer_reloc *reloc)
{
	struct writer_section *section = &writer->sections[index];
	struct writer_reloc *grown =
		arena_grow(writer->arena, section->relocs, section->reloc_count,
			   &section->reloc_capacity, sizeof(*section->relocs));

	if (!grown)
		return;
	section->relocs = grown;
	grown[section->reloc_count++] = *reloc;
}

/* Where things go in the written file. */
struct layout {
	struct bytes names;   /* .shstrtab */
	struct bytes strings; /* .strtab */
	Elf *elf;
	struct suture_error *err;
	const char *path;
};

static int failed(struct layout *layout)
{
	return error_set(layout->err, SUTURE_E_IO, "%s: %s", layout->path, elf_errmsg(-1));
}

static Elf_Scn *add_scn(struct layout *layout, const char *name, GElf_Shdr *shdr, void *data,
			size_t size, Elf_Type type)
{
	Elf_Scn *scn = elf_newscn(layout->elf);
	Elf_Data *chunk = scn ? elf_newdata(scn) : NULL;

	if (!chunk)
		return NULL;
	chunk->d_buf = data;
	chunk->d_size = size;
	chunk->d_type = type;
	chunk->d_align = shdr->sh_addralign ? shdr->sh_addralign : 1;
	chunk->d_version = EV_CURRENT;
	shdr->sh_name = (Elf64_Word)bytes_add_string(&layout->names, name);
	shdr->sh_size = size;
	return gelf_update_shdr(scn, shdr) ? scn : NULL;
}

/* .symtab comes behind all contents; relocation sections behind it. */
static int add_symbols(struct writer *writer, struct layout *layout)
{
	Elf64_Sym *table = arena_array(writer->arena, writer->symbol_count, sizeof(*table));
	size_t used = 0;
	size_t locals = 0;
	GElf_Shdr shdr = {.sh_type = SHT_SYMTAB,
			  .sh_entsize = sizeof(*table),
			  .sh_addralign = 8,
			  .sh_link = (Elf64_Word)writer->section_count + 1};
	GElf_Shdr strings = {.sh_type = SHT_STRTAB, .sh_addralign = 1};

	if (!table)
		return error_no_memory(layout->err);
	for (int global = 0; global < 2; global++) {
		for (size_t i = 0; i < writer->symbol_count; i++) {
			struct writer_symbol *symbol = &writer->symbols[i];
			Elf64_Sym *sym = &table[used];

			if ((symbol->bind != STB_LOCAL) != global)
				continue;
			if (*symbol->name)
				sym->st_name = (Elf64_Word)bytes_add_string(&layout->strings,
									    symbol->name);
			sym->st_info = ELF64_ST_INFO(symbol->bind, symbol->type);
			sym->st_other = symbol->visibility;
			sym->st_shndx =
				symbol->type == STT_FILE ? SHN_ABS : (Elf64_Section)symbol->section;
			sym->st_value = symbol->value;
			sym->st_size = symbol->size;
			symbol->final = (uint32_t)used++;
		}
		if (!global)
			locals = used;
	}
	shdr.sh_info = (Elf64_Word)locals;
	if (!add_scn(layout, ".symtab", &shdr, table, used * sizeof(*table), ELF_T_SYM) ||
	    !add_scn(layout, ".strtab", &strings, layout->strings.data, layout->strings.size,
		     ELF_T_BYTE))
		return failed(layout);
	return 0;
}

static int add_relocs(struct writer *writer, struct layout *layout, uint32_t index)
{
	struct writer_section *section = &writer->sections[index];
	GElf_Shdr shdr = {.sh_type = SHT_RELA,
			  .sh_flags = SHF_INFO_LINK,
			  .sh_entsize = sizeof(Elf64_Rela),
			  .sh_addralign = 8,
			  .sh_link = (Elf64_Word)writer->section_count,
			  .sh_info = index};
	Elf64_Rela *table;

	if (!section->reloc_count)
		return 0;
	table = arena_array(writer->arena, section->reloc_count, sizeof(*table));
	if (!table)
		return error_no_memory(layout->err);
	for (size_t i = 0; i < section->reloc_count; i++) {
		const struct writer_reloc *reloc = &section->relocs[i];

		table[i].r_offset = reloc->offset;
		table[i].r_addend = reloc->addend;
		table[i].r_info =
			ELF64_R_INFO((uint64_t)writer->symbols[reloc->symbol].final, reloc->type);
	}
	if (!add_scn(layout, arena_format(writer->arena, ".rela%s", section->name), &shdr, table,
		     section->reloc_count * sizeof(*table), ELF_T_RELA))
		return failed(layout);
	return 0;
}

static int write_all(struct writer *writer, struct layout *layout)
{
	GElf_Shdr names = {.sh_type = SHT_STRTAB, .sh_addralign = 1};
	GElf_Ehdr ehdr;
	Elf_Scn *scn;
	int code;

	if (!gelf_newehdr(layout->elf, ELFCLASS64) || !gelf_getehdr(layout->elf, &ehdr))
		return failed(layout);
	ehdr.e_ident[EI_DATA] = ELFDATA2LSB;
	ehdr.e_type = ET_REL;
	ehdr.e_machine = writer->machine;
	ehdr.e_version = EV_CURRENT;
	bytes_add_string(&layout->names, "");
	bytes_add_string(&layout->strings, "");
	for (uint32_t i = 1; i < writer->section_count; i++) {
		struct writer_section *section = &writer->sections[i];
		GElf_Shdr shdr = {.sh_type = section->type,
				  .sh_flags = section->flags,
				  .sh_addralign = section->align,
				  .sh_entsize = section->entry_size};

		if (!add_scn(layout, section->name, &shdr, section->data, section->size,
			     ELF_T_BYTE))
			return failed(layout);
	}
	code = add_symbols(writer, layout);
	for (uint32_t i = 1; !code && i < writer->section_count; i++)
		code = add_relocs(writer, layout, i);
	if (code)
		return code;
	bytes_add_string(&layout->names, ".shstrtab");
	if (!bytes_ok(&layout->names) || !bytes_ok(&layout->strings))
		return error_no_memory(layout->err);
	names.sh_name = 0;
	scn = elf_newscn(layout->elf);
	if (!scn)
		return failed(layout);
	names.sh_name = (Elf64_Word)(layout->names.size - sizeof(".shstrtab"));
	names.sh_size = layout->names.size;
	{
		Elf_Data *chunk = elf_newdata(scn);

		if (!chunk)
			return failed(layout);
		chunk->d_buf = layout->names.data;
		chunk->d_size = layout->names.size;
		chunk->d_type = ELF_T_BYTE;
		chunk->d_align = 1;
		chunk->d_version = EV_CURRENT;
	}
	ehdr.e_shstrndx = (Elf64_Half)elf_ndxscn(scn);
	if (!gelf_update_shdr(scn, &names) || !gelf_update_ehdr(layout->elf, &ehdr) ||
	    elf_update(layout->elf, ELF_C_WRITE) < 0)
		return failed(layout);
	return 0;
}

int writer_write(struct writer *writer, const char *path, struct suture_error *err)
{
	struct layout layout = {.err = err, .path = path};
	cleanup_fd int fd = -1;
	int code = arena_check(writer->arena, err);

	if (code)
		return code;
	if (writer->section_count * 2 + 4 >= SHN_LORESERVE)
		return error_set(err, SUTURE_E_UNSUPPORTED, "%s: too many sections in one patch",
				 path);
	fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return error_errno(err, SUTURE_E_IO, errno, "%s", path);
	elf_version(EV_CURRENT);
	layout.elf = elf_begin(fd, ELF_C_WRITE, NULL);
	code = layout.elf ? write_all(writer, &layout) : failed(&layout);
	elf_end(layout.elf);
	bytes_fini(&layout.names);
	bytes_fini(&layout.strings);
	return code;
}
