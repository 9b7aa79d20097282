/* SPDX-License-Identifier: MIT */
/* Changed function signatures; see signature.h. */
#include "builder/signature.h"

#include "builder/exports.h"
#include "builder/path.h"

#include "arch/arch.h"
#include "base/bytes.h"
#include "base/error.h"
#include "base/file.h"

#include <fcntl.h>
#include <gelf.h>
#include <string.h>

static bool same_signature(const struct type *old, const struct type *new)
{
	if (old->member_count != new->member_count)
		return false;
	for (size_t i = 0; i < old->member_count; i++)
		if (strcmp(old->members[i].type, new->members[i].type) != 0)
			return false;
	return true;
}

/* True when a symbol is that function, or the section that holds it alone. */
static bool is_function(Elf *elf, const GElf_Shdr *symbols, const GElf_Sym *symbol,
			const char *name, size_t length)
{
	const char *text = elf_strptr(elf, symbols->sh_link, symbol->st_name);
	GElf_Shdr header;
	Elf_Scn *section;
	size_t names;

	if (GELF_ST_TYPE(symbol->st_info) == STT_FUNC ||
	    GELF_ST_TYPE(symbol->st_info) == STT_NOTYPE)
		return text && strlen(text) == length && memcmp(text, name, length) == 0;
	section = GELF_ST_TYPE(symbol->st_info) == STT_SECTION ? elf_getscn(elf, symbol->st_shndx)
							       : NULL;
	if (!section || !gelf_getshdr(section, &header) || elf_getshdrstrndx(elf, &names))
		return false;
	text = elf_strptr(elf, names, header.sh_name);
	return text && strncmp(text, ".text.", 6) == 0 && strlen(text + 6) == length &&
	       memcmp(text + 6, name, length) == 0;
}

/* True when code at the relocation does more with what it refers to than call it. */
static bool takes_address(const struct arch_ops *arch, const GElf_Rela *rela, Elf_Data *code)
{
	uint32_t type = (uint32_t)GELF_R_TYPE(rela->r_info);
	cleanup_memory uint8_t *copy = NULL;
	struct arch_reloc_info info;

	if (!code || !code->d_buf || rela->r_offset >= code->d_size ||
	    arch->reloc_info(type, &info) || info.form == ARCH_RELOC_CALL)
		return false;
	if (rela->r_addend + arch->reloc_bias(type, code->d_buf, code->d_size, rela->r_offset) != 0)
		return false;
	if (info.form != ARCH_RELOC_PC)
		return true;
	/* Within one object calls may have the form of data: only an address can become a load. */
	copy = malloc(code->d_size);
	if (!copy)
		return true;
	memcpy(copy, code->d_buf, code->d_size);
	return arch->slot_load(type, copy, code->d_size, rela->r_offset);
}

/* True when a relocation in allocated data, or one in code that is no call, refers to it. */
static bool section_refers(const struct arch_ops *arch, Elf *elf, Elf_Scn *relocs,
			   const GElf_Shdr *header, const char *name, size_t length)
{
	Elf_Data *data = elf_getdata(relocs, NULL);
	Elf_Scn *symbols = elf_getscn(elf, header->sh_link);
	Elf_Scn *target = elf_getscn(elf, header->sh_info);
	Elf_Data *symbol_data = symbols ? elf_getdata(symbols, NULL) : NULL;
	GElf_Shdr symbol_header, target_header;
	const char *section_name;
	bool is_code;
	GElf_Rela rela;
	GElf_Sym symbol;
	size_t names;

	if (!data || !symbol_data || !target || !gelf_getshdr(symbols, &symbol_header) ||
	    !gelf_getshdr(target, &target_header) || !(target_header.sh_flags & SHF_ALLOC))
		return false;
	is_code = target_header.sh_flags & SHF_EXECINSTR;
	/* Unwind tables name every function and call none. */
	if (elf_getshdrstrndx(elf, &names))
		return false;
	section_name = elf_strptr(elf, names, target_header.sh_name);
	if (!section_name || strncmp(section_name, ".eh_frame", 9) == 0 ||
	    strncmp(section_name, ".gcc_except_table", 17) == 0)
		return false;
	for (int i = 0; gelf_getrela(data, i, &rela); i++)
		if (gelf_getsym(symbol_data, (int)GELF_R_SYM(rela.r_info), &symbol) &&
		    is_function(elf, &symbol_header, &symbol, name, length) &&
		    (is_code ? takes_address(arch, &rela, elf_getdata(target, NULL))
			     : rela.r_addend == 0))
			return true;
	return false;
}

static bool address_is_taken(const char *path, const char *name, size_t length)
{
	cleanup_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
	Elf_Scn *section = NULL;
	const struct arch_ops *arch = NULL;
	GElf_Shdr header;
	GElf_Ehdr file;
	bool found = false;
	Elf *elf;

	elf_version(EV_CURRENT);
	elf = fd >= 0 ? elf_begin(fd, ELF_C_READ_MMAP, NULL) : NULL;
	if (elf && gelf_getehdr(elf, &file))
		arch = arch_for_machine(file.e_machine);
	while (arch && !found && (section = elf_nextscn(elf, section)))
		found = gelf_getshdr(section, &header) && header.sh_type == SHT_RELA &&
			section_refers(arch, elf, section, &header, name, length);
	elf_end(elf);
	return found;
}

static bool is_kept(const struct layout_objects *objects, const char *name, size_t length)
{
	return address_is_taken(objects->old, name, length) ||
	       (strcmp(objects->old, objects->code) != 0 &&
		address_is_taken(objects->code, name, length));
}

static void add_signature(struct bytes *out, const struct type *type)
{
	for (size_t i = 0; i < type->member_count; i++)
		bytes_add_format(out, "%s%s",
				 i == 0	  ? ""
				 : i == 1 ? " ("
					  : ", ",
				 type->members[i].type);
	bytes_add_format(out, "%s", type->member_count > 1 ? ")" : " ()");
}

int signature_exports(const char *binary, struct strings *exports, struct suture_error *err)
{
	exports_read(binary, true, exports);
	return strings_ok(exports) ? 0 : error_no_memory(err);
}

bool signature_is_kept(const char *path, const char *symbol)
{
	return address_is_taken(path, symbol, strlen(symbol));
}

int signature_compare(const struct type *old, const struct type *new,
		      const struct layout_objects *objects, const struct strings *exports,
		      struct refusals *refusals, struct suture_error *err)
{
	struct bytes text = {0};
	size_t length = strcspn(old->name, "(");
	cleanup_memory char *symbol = strndup(old->name, length);

	if (!symbol)
		return error_no_memory(err);
	if (same_signature(old, new))
		return 0;
	if (strings_contain(exports, symbol))
		bytes_add_format(&text,
				 "%s changes its signature, and is exported to other modules\n"
				 "  from ",
				 old->name);
	else if (is_kept(objects, old->name, length))
		bytes_add_format(&text,
				 "%s changes its signature, and its address is taken in %s\n"
				 "  from ",
				 old->name, objects->unit);
	else
		return 0;
	add_signature(&text, old);
	bytes_add_format(&text, "\n  to   ");
	add_signature(&text, new);
	bytes_add(&text, "", 1);
	if (bytes_ok(&text))
		refusals_add(refusals, SUTURE_E_LAYOUT_CHANGED, new->file, new->line,
			     "keep the signature, or add a function with the new one", "%s",
			     (char *)text.data);
	bytes_fini(&text);
	return bytes_ok(&text) ? 0 : error_no_memory(err);
}
