/* SPDX-License-Identifier: MIT */
/* Moves a patch file to its base; see prelink.h. Pure. */
#include "patch/prelink.h"

#include "arch/arch.h"

#include <string.h>

/* Dynamic entries whose value is an address (ELF gABI, figure 5-10, and GNU's range). */
static bool is_address_tag(int64_t tag)
{
	switch (tag) {
	case DT_PLTGOT:
	case DT_HASH:
	case DT_STRTAB:
	case DT_SYMTAB:
	case DT_RELA:
	case DT_VERSYM:
	case DT_VERDEF:
	case DT_VERNEED:
		return true;
	default:
		/* DT_GNU_HASH is one of these. */
		return tag >= DT_ADDRRNGLO && tag <= DT_ADDRRNGHI;
	}
}

static void move_dynamic(uint8_t *data, const Elf64_Phdr *phdr, uint64_t base, uint64_t *relocs,
			 uint64_t *relocs_size)
{
	Elf64_Dyn *entry = (Elf64_Dyn *)(data + phdr->p_offset);

	for (; entry->d_tag != DT_NULL; entry++) {
		if (entry->d_tag == DT_RELA)
			*relocs = entry->d_un.d_ptr;
		if (entry->d_tag == DT_RELASZ)
			*relocs_size = entry->d_un.d_val;
		if (is_address_tag(entry->d_tag))
			entry->d_un.d_ptr += base;
	}
}

/* All are RELATIVE (loadable.c saw to it): the loader adds its load bias, which will be 0. */
static void move_relocs(const struct patch_file *file, uint8_t *data, uint64_t base,
			uint64_t relocs, uint64_t relocs_size)
{
	uint64_t offset;

	if (!relocs_size || !patch_file_offset(file, relocs, relocs_size, PF_R, &offset))
		return;
	for (uint64_t i = 0; i < relocs_size / sizeof(Elf64_Rela); i++) {
		Elf64_Rela *reloc = (Elf64_Rela *)(data + offset) + i;

		reloc->r_offset += base;
		reloc->r_addend += (int64_t)base;
	}
}

static void move_symbols(const struct patch_file *file, uint8_t *data, const Elf64_Shdr *table,
			 uint64_t base)
{
	Elf64_Sym *symbols = (Elf64_Sym *)(data + table->sh_offset);

	if (table->sh_offset % 8)
		return;
	for (uint64_t i = 1; i < table->sh_size / sizeof(*symbols); i++) {
		uint16_t section = symbols[i].st_shndx;

		if (section != SHN_UNDEF && section < file->shnum &&
		    (file->shdrs[section].sh_flags & SHF_ALLOC))
			symbols[i].st_value += base;
	}
}

/* Debug information is found by name (DWARF 5, section 7.3); it may be compressed, then it stays.
 */
static bool is_debug_section(const struct patch_file *file, const Elf64_Shdr *section)
{
	const Elf64_Shdr *names = &file->shdrs[file->ehdr->e_shstrndx];
	const char *prefix = ".debug_";

	return file->ehdr->e_shstrndx < file->shnum && section->sh_type == SHT_PROGBITS &&
	       !(section->sh_flags & (SHF_ALLOC | SHF_COMPRESSED)) &&
	       section->sh_name + strlen(prefix) <= names->sh_size &&
	       memcmp(file->bytes + names->sh_offset + section->sh_name, prefix, strlen(prefix)) ==
		       0;
}

/*
 * The linker kept the relocations of the debug information (--emit-relocs): each address in it
 * moves with what it describes, so that gdb shows files and lines of patched functions.
 */
static void move_debug(const struct patch_file *file, uint8_t *data, const Elf64_Shdr *table,
		       uint64_t base)
{
	const Elf64_Rela *relocs = (const Elf64_Rela *)(file->bytes + table->sh_offset);
	const Elf64_Shdr *section, *symtab;
	const Elf64_Sym *symbols;

	if (table->sh_info >= file->shnum || table->sh_link >= file->shnum || table->sh_offset % 8)
		return;
	section = &file->shdrs[table->sh_info];
	symtab = &file->shdrs[table->sh_link];
	if (!is_debug_section(file, section) || symtab->sh_type != SHT_SYMTAB ||
	    symtab->sh_offset % 8)
		return;
	symbols = (const Elf64_Sym *)(file->bytes + symtab->sh_offset);
	for (uint64_t i = 0; i < table->sh_size / sizeof(*relocs); i++) {
		uint64_t offset = relocs[i].r_offset, symbol = ELF64_R_SYM(relocs[i].r_info), value;
		struct arch_reloc_info info;

		if (symbol >= symtab->sh_size / sizeof(*symbols) ||
		    symbols[symbol].st_shndx >= file->shnum ||
		    !(file->shdrs[symbols[symbol].st_shndx].sh_flags & SHF_ALLOC) ||
		    offset > section->sh_size || section->sh_size - offset < sizeof(value) ||
		    arch_native()->reloc_info(ELF64_R_TYPE(relocs[i].r_info), &info) != ARCH_OK ||
		    info.form != ARCH_RELOC_ABSOLUTE || info.size != sizeof(value))
			continue;
		memcpy(&value, data + section->sh_offset + offset, sizeof(value));
		value += base;
		memcpy(data + section->sh_offset + offset, &value, sizeof(value));
	}
}

void prelink_move(const struct patch_file *file, uint8_t *data, uint64_t base)
{
	Elf64_Ehdr *ehdr = (Elf64_Ehdr *)data;
	Elf64_Phdr *phdrs = (Elf64_Phdr *)(data + ehdr->e_phoff);
	Elf64_Shdr *shdrs = (Elf64_Shdr *)(data + ehdr->e_shoff);
	uint64_t relocs = 0, relocs_size = 0;

	for (size_t i = 0; i < file->phnum; i++) {
		if (phdrs[i].p_type == PT_DYNAMIC)
			move_dynamic(data, &phdrs[i], base, &relocs, &relocs_size);
		if (phdrs[i].p_type != PT_GNU_STACK) {
			phdrs[i].p_vaddr += base;
			phdrs[i].p_paddr += base;
		}
	}
	move_relocs(file, data, base, relocs, relocs_size);
	for (size_t i = 0; i < file->shnum; i++) {
		if (shdrs[i].sh_type == SHT_SYMTAB || shdrs[i].sh_type == SHT_DYNSYM)
			move_symbols(file, data, &file->shdrs[i], base);
		if (shdrs[i].sh_type == SHT_RELA && !(shdrs[i].sh_flags & SHF_ALLOC))
			move_debug(file, data, &file->shdrs[i], base);
		if (shdrs[i].sh_flags & SHF_ALLOC)
			shdrs[i].sh_addr += base;
	}
	if (ehdr->e_entry)
		ehdr->e_entry += base;
}
