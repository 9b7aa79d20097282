/* SPDX-License-Identifier: MIT */
/* The loadable side of a patch file; see loadable.h. Pure, plan phase. */
#include "patch/loadable.h"

#include "arch/arch.h"
#include "base/error.h"
#include "base/reader.h"

#include <inttypes.h>
#include <string.h>

enum { PAGE = 4096, MAX_SEGMENTS = 64, MAX_SECTIONS = 4096 };

static int refuse(struct suture_error *err, const char *label, const char *what)
{
	return error_set(err, SUTURE_E_BAD_PATCH_FILE, "%s: %s", label, what);
}

int loadable_open(struct patch_file *file, const char *label, struct suture_error *err)
{
	struct reader at;

	reader_init(&at, file->bytes, file->size, label);
	file->ehdr = reader_bytes(&at, sizeof(*file->ehdr));
	if (!file->ehdr || memcmp(file->ehdr->e_ident, ELFMAG, SELFMAG) != 0)
		return refuse(err, label, "not an ELF file");
	if (file->ehdr->e_ident[EI_CLASS] != ELFCLASS64 ||
	    file->ehdr->e_ident[EI_DATA] != ELFDATA2LSB ||
	    file->ehdr->e_machine != arch_native()->elf_machine) {
		error_set(err, SUTURE_E_ARCHITECTURE,
			  "%s: made for another processor (machine %u, this is %s)", label,
			  file->ehdr->e_machine, arch_native()->name);
		return error_next(err, "build the patch with the target's own compiler");
	}
	if (file->ehdr->e_type != ET_DYN)
		return refuse(err, label, "not a shared object");
	if (file->ehdr->e_phentsize != sizeof(Elf64_Phdr) || !file->ehdr->e_phnum ||
	    file->ehdr->e_phnum > MAX_SEGMENTS || file->ehdr->e_shentsize != sizeof(Elf64_Shdr) ||
	    !file->ehdr->e_shnum || file->ehdr->e_shnum > MAX_SECTIONS || file->ehdr->e_phoff % 8 ||
	    file->ehdr->e_shoff % 8)
		return refuse(err, label, "damaged ELF header");

	file->phnum = file->ehdr->e_phnum;
	at = reader_sub(&at, 0, file->size);
	reader_seek(&at, file->ehdr->e_phoff);
	file->phdrs = reader_bytes(&at, file->phnum * sizeof(Elf64_Phdr));
	file->shnum = file->ehdr->e_shnum;
	reader_seek(&at, file->ehdr->e_shoff);
	file->shdrs = reader_bytes(&at, file->shnum * sizeof(Elf64_Shdr));
	return reader_check(&at, SUTURE_E_BAD_PATCH_FILE, err);
}

static int check_load_segment(struct patch_file *file, const Elf64_Phdr *phdr,
			      uint64_t *previous_end, const char *label, struct suture_error *err)
{
	if (phdr->p_offset > file->size || phdr->p_filesz > file->size - phdr->p_offset ||
	    phdr->p_memsz < phdr->p_filesz || phdr->p_memsz > PATCH_FILE_LIMIT ||
	    phdr->p_vaddr > PATCH_FILE_LIMIT)
		return refuse(err, label, "a segment lies outside the file");
	if (phdr->p_align & (phdr->p_align - 1) || phdr->p_align < PAGE ||
	    phdr->p_align > (2 << 20) || (phdr->p_vaddr - phdr->p_offset) % phdr->p_align)
		return refuse(err, label, "a segment is misaligned");
	/* The loader wants them by rising address; pages of two segments never mix. */
	if ((phdr->p_vaddr & ~(uint64_t)(PAGE - 1)) < *previous_end)
		return refuse(err, label, "segments overlap");
	if ((phdr->p_flags & PF_W) && (phdr->p_flags & PF_X))
		return refuse(err, label, "a segment is both writable and executable");
	*previous_end = (phdr->p_vaddr + phdr->p_memsz + PAGE - 1) & ~(uint64_t)(PAGE - 1);
	if (phdr->p_align > file->alignment)
		file->alignment = phdr->p_align;
	return 0;
}

static int check_segments(struct patch_file *file, const Elf64_Phdr **dynamic, const char *label,
			  struct suture_error *err)
{
	uint64_t previous_end = 0;
	bool first = true;
	int rc;

	file->alignment = PAGE;
	for (size_t i = 0; i < file->phnum; i++) {
		const Elf64_Phdr *phdr = &file->phdrs[i];

		switch (phdr->p_type) {
		case PT_LOAD:
			rc = check_load_segment(file, phdr, &previous_end, label, err);
			if (rc)
				return rc;
			if (first)
				file->low = phdr->p_vaddr & ~(phdr->p_align - 1);
			first = false;
			file->high = previous_end;
			break;
		case PT_DYNAMIC:
			if (*dynamic)
				return refuse(err, label, "has two dynamic sections");
			*dynamic = phdr;
			break;
		case PT_TLS:
			error_set(err, SUTURE_E_NEW_TLS,
				  "%s: brings thread-local storage of its own", label);
			return error_next(err,
					  "keep the value in a shadow variable or a plain global");
		case PT_INTERP:
			return refuse(err, label, "a program, not a patch");
		case PT_GNU_STACK:
			if (phdr->p_flags & PF_X)
				return refuse(err, label, "wants an executable stack");
			break;
		default:
			break;
		}
	}
	if (first)
		return refuse(err, label, "has no segments to load");
	if (!*dynamic)
		return refuse(err, label, "has no dynamic section");
	return 0;
}

struct dynamic_tables {
	uint64_t symbols, strings, relocs, relocs_size;
};

static int check_dynamic_entry(const Elf64_Dyn *entry, struct dynamic_tables *tables,
			       const char *label, struct suture_error *err)
{
	switch (entry->d_tag) {
	case DT_NEEDED:
		return refuse(err, label, "needs another library");
	case DT_INIT:
	case DT_FINI:
	case DT_INIT_ARRAY:
	case DT_FINI_ARRAY:
	case DT_PREINIT_ARRAY:
		return refuse(err, label, "has constructors that the loader would run");
	case DT_TEXTREL:
		return refuse(err, label, "has relocations in its text");
	case DT_JMPREL:
	case DT_REL:
	case DT_RELR:
	case DT_AUDIT:
	case DT_DEPAUDIT:
	case DT_FILTER:
	case DT_AUXILIARY:
		return refuse(err, label, "has a dynamic entry that a patch may not have");
	case DT_RPATH:
	case DT_RUNPATH:
		return refuse(err, label, "has a library search path");
	case DT_FLAGS:
		if (entry->d_un.d_val & (DF_TEXTREL | DF_STATIC_TLS))
			return refuse(err, label,
				      "has text relocations or static thread-local storage");
		break;
	case DT_SYMTAB:
		tables->symbols = entry->d_un.d_ptr;
		break;
	case DT_STRTAB:
		tables->strings = entry->d_un.d_ptr;
		break;
	case DT_RELA:
		tables->relocs = entry->d_un.d_ptr;
		break;
	case DT_RELASZ:
		tables->relocs_size = entry->d_un.d_val;
		break;
	default:
		break;
	}
	return 0;
}

static int check_relocs(const struct patch_file *file, const struct dynamic_tables *tables,
			const char *label, struct suture_error *err)
{
	uint64_t offset, count = tables->relocs_size / sizeof(Elf64_Rela);

	if (!count)
		return 0;
	if (tables->relocs % 8 ||
	    !patch_file_offset(file, tables->relocs, tables->relocs_size, PF_R, &offset) ||
	    offset % 8)
		return refuse(err, label, "relocations lie outside the file");
	for (uint64_t i = 0; i < count; i++) {
		const Elf64_Rela *reloc = (const Elf64_Rela *)(file->bytes + offset) + i;
		struct arch_reloc_info info;
		uint64_t site;

		if (arch_native()->reloc_info(ELF64_R_TYPE(reloc->r_info), &info) != ARCH_OK ||
		    info.form != ARCH_RELOC_RELATIVE || ELF64_R_SYM(reloc->r_info))
			return refuse(err, label, "has a symbolic dynamic relocation");
		if (!patch_file_offset(file, reloc->r_offset, info.size, PF_W, &site))
			return refuse(err, label, "a relocation lies outside writable data");
	}
	return 0;
}

static int check_dynamic(const struct patch_file *file, const Elf64_Phdr *phdr, const char *label,
			 struct suture_error *err)
{
	struct dynamic_tables tables = {0};
	bool ended = false;
	uint64_t offset;
	int rc;

	if (phdr->p_vaddr % 8 ||
	    !patch_file_offset(file, phdr->p_vaddr, phdr->p_filesz, PF_R, &offset) || offset % 8 ||
	    offset != phdr->p_offset)
		return refuse(err, label, "the dynamic section lies outside the file");
	for (uint64_t i = 0; i < phdr->p_filesz / sizeof(Elf64_Dyn); i++) {
		const Elf64_Dyn *entry = (const Elf64_Dyn *)(file->bytes + offset) + i;

		if (entry->d_tag == DT_NULL) {
			ended = true;
			break;
		}
		rc = check_dynamic_entry(entry, &tables, label, err);
		if (rc)
			return rc;
	}
	if (!ended)
		return refuse(err, label, "the dynamic section has no end");
	if (!tables.symbols || !tables.strings ||
	    !patch_file_offset(file, tables.symbols, sizeof(Elf64_Sym), PF_R, &offset) ||
	    !patch_file_offset(file, tables.strings, 1, PF_R, &offset))
		return refuse(err, label, "has no dynamic symbol table");
	return check_relocs(file, &tables, label, err);
}

/* The loader trusts hash and version tables blindly, so they must at least be where they say. */
static int check_sections(const struct patch_file *file, const char *label,
			  struct suture_error *err)
{
	for (size_t i = 0; i < file->shnum; i++) {
		const Elf64_Shdr *shdr = &file->shdrs[i];
		uint64_t offset;

		if (shdr->sh_type == SHT_NOBITS || shdr->sh_type == SHT_NULL)
			continue;
		if (shdr->sh_offset > file->size || shdr->sh_size > file->size - shdr->sh_offset)
			return refuse(err, label, "a section lies outside the file");
		if ((shdr->sh_flags & SHF_ALLOC) && shdr->sh_size &&
		    (!patch_file_offset(file, shdr->sh_addr, shdr->sh_size, 0, &offset) ||
		     offset != shdr->sh_offset))
			return refuse(err, label, "a section lies outside the segments");
		if (shdr->sh_type == SHT_DYNSYM) {
			const Elf64_Sym *symbols = (const void *)(file->bytes + shdr->sh_offset);

			if (shdr->sh_offset % 8)
				return refuse(err, label, "misaligned symbol table");
			for (uint64_t s = 1; s < shdr->sh_size / sizeof(*symbols); s++)
				if (symbols[s].st_shndx == SHN_UNDEF)
					return refuse(err, label, "has undefined symbols");
		}
	}
	return 0;
}

int loadable_check(struct patch_file *file, const char *label, struct suture_error *err)
{
	const Elf64_Phdr *dynamic = NULL;
	int rc = check_segments(file, &dynamic, label, err);

	if (!rc)
		rc = check_dynamic(file, dynamic, label, err);
	if (!rc)
		rc = check_sections(file, label, err);
	return rc;
}
