/* SPDX-License-Identifier: MIT */
/* Applying the side table to a private copy, at a made-up base near the target. */
#include "selfcheck.h"

#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"
#include "patch/format.h"

#include <elf.h>
#include <stdio.h>
#include <string.h>

enum { PATCH_LIMIT = 1 << 30, NEAR = 64 << 20 };

struct segment {
	uint64_t address;
	uint64_t file_size;
	uint64_t memory_size;
	uint64_t offset;
	uint32_t flags;
};

enum table {
#define CHECK_ENUM(field, section, record) CHECK_##field,
	FORMAT_SECTIONS(CHECK_ENUM)
#undef CHECK_ENUM
		CHECK_COUNT
};

struct check {
	struct arena *arena;
	const char *path;
	const struct binary *binary;
	uint8_t *data; /* the file, private */
	size_t size;
	struct segment *segments;
	size_t segment_count;
	const uint8_t *tables[CHECK_COUNT];
	size_t sizes[CHECK_COUNT];
	uint64_t base; /* where the patch would be */
	struct suture_error *err;
};

#define fail(check, ...) error_set((check)->err, SUTURE_E_INTERNAL, "self-check: " __VA_ARGS__)

static bool in_file(const struct check *check, uint64_t offset, uint64_t size)
{
	return offset <= check->size && size <= check->size - offset;
}

static int read_segments(struct check *check, const Elf64_Ehdr *ehdr)
{
	if (ehdr->e_phentsize != sizeof(Elf64_Phdr) ||
	    !in_file(check, ehdr->e_phoff, (uint64_t)ehdr->e_phnum * sizeof(Elf64_Phdr)))
		return fail(check, "program headers");
	check->segments = arena_array(check->arena, ehdr->e_phnum, sizeof(*check->segments));
	if (!check->segments)
		return error_no_memory(check->err);
	for (unsigned i = 0; i < ehdr->e_phnum; i++) {
		Elf64_Phdr phdr;

		memcpy(&phdr, check->data + ehdr->e_phoff + i * sizeof(phdr), sizeof(phdr));
		if (phdr.p_type == PT_TLS || phdr.p_type == PT_INTERP)
			return fail(check, "a segment that patches do not have");
		if (phdr.p_type != PT_LOAD)
			continue;
		if (!in_file(check, phdr.p_offset, phdr.p_filesz))
			return fail(check, "segment outside the file");
		check->segments[check->segment_count++] = (struct segment){
			phdr.p_vaddr, phdr.p_filesz, phdr.p_memsz, phdr.p_offset, phdr.p_flags};
	}
	return 0;
}

/* No undefined symbols, no libraries, nothing that the loader would run or relocate. */
static int check_dynamic(struct check *check, const Elf64_Shdr *shdr)
{
	Elf64_Dyn dyn;

	for (uint64_t at = 0; at + sizeof(dyn) <= shdr->sh_size; at += sizeof(dyn)) {
		memcpy(&dyn, check->data + shdr->sh_offset + at, sizeof(dyn));
		switch (dyn.d_tag) {
		case DT_NEEDED:
		case DT_INIT:
		case DT_FINI:
		case DT_INIT_ARRAY:
		case DT_FINI_ARRAY:
		case DT_TEXTREL:
		case DT_RELA:
		case DT_JMPREL:
			return fail(check, "dynamic entry 0x%llx must not be there",
				    (unsigned long long)dyn.d_tag);
		}
	}
	return 0;
}

static int check_dynamic_symbols(struct check *check, const Elf64_Shdr *shdr)
{
	Elf64_Sym sym;

	for (uint64_t at = sizeof(sym); at + sizeof(sym) <= shdr->sh_size; at += sizeof(sym)) {
		memcpy(&sym, check->data + shdr->sh_offset + at, sizeof(sym));
		if (sym.st_shndx == SHN_UNDEF)
			return fail(check, "undefined dynamic symbol");
	}
	return 0;
}

static int read_sections(struct check *check, const Elf64_Ehdr *ehdr)
{
	static const char *const names[] = {
#define CHECK_NAME(field, section, record) section,
		FORMAT_SECTIONS(CHECK_NAME)
#undef CHECK_NAME
	};
	static const size_t units[] = {
#define CHECK_SIZE(field, section, record) sizeof(record),
		FORMAT_SECTIONS(CHECK_SIZE)
#undef CHECK_SIZE
	};
	Elf64_Shdr strings;

	if (ehdr->e_shentsize != sizeof(Elf64_Shdr) || ehdr->e_shstrndx >= ehdr->e_shnum ||
	    !in_file(check, ehdr->e_shoff, (uint64_t)ehdr->e_shnum * sizeof(Elf64_Shdr)))
		return fail(check, "section headers");
	memcpy(&strings, check->data + ehdr->e_shoff + ehdr->e_shstrndx * sizeof(strings),
	       sizeof(strings));
	if (!in_file(check, strings.sh_offset, strings.sh_size))
		return fail(check, "section names");
	for (unsigned i = 1; i < ehdr->e_shnum; i++) {
		const char *name;
		Elf64_Shdr shdr;
		int code = 0;

		memcpy(&shdr, check->data + ehdr->e_shoff + i * sizeof(shdr), sizeof(shdr));
		name = (const char *)check->data + strings.sh_offset + shdr.sh_name;
		if (shdr.sh_name >= strings.sh_size ||
		    !memchr(name, 0, strings.sh_size - shdr.sh_name) ||
		    (shdr.sh_type != SHT_NOBITS && !in_file(check, shdr.sh_offset, shdr.sh_size)))
			return fail(check, "section %u", i);
		if (shdr.sh_type == SHT_DYNAMIC)
			code = check_dynamic(check, &shdr);
		else if (shdr.sh_type == SHT_DYNSYM)
			code = check_dynamic_symbols(check, &shdr);
		if (code)
			return code;
		for (size_t k = 0; k < CHECK_COUNT; k++) {
			if (strcmp(name, names[k]) != 0)
				continue;
			if (check->tables[k] || shdr.sh_flags & SHF_ALLOC ||
			    shdr.sh_size % units[k])
				return fail(check, "section %s", name);
			check->tables[k] = check->data + shdr.sh_offset;
			check->sizes[k] = shdr.sh_size;
		}
	}
	return 0;
}

static const char *text_at(const struct check *check, uint64_t ref)
{
	const char *strings = (const char *)check->tables[CHECK_strings];

	if (ref >= check->sizes[CHECK_strings] ||
	    !memchr(strings + ref, 0, check->sizes[CHECK_strings] - ref))
		return NULL;
	return strings + ref;
}

static const struct segment *segment_at(const struct check *check, uint64_t address, uint64_t size)
{
	for (size_t i = 0; i < check->segment_count; i++) {
		const struct segment *segment = &check->segments[i];

		if (address >= segment->address && size <= segment->memory_size &&
		    address - segment->address <= segment->memory_size - size)
			return segment;
	}
	return NULL;
}

static int check_functions(struct check *check)
{
	size_t count = check->sizes[CHECK_functions] / sizeof(struct format_function);
	struct format_function *list = arena_array(check->arena, count, sizeof(*list));

	if (!list)
		return error_no_memory(check->err);
	if (count)
		memcpy(list, check->tables[CHECK_functions], count * sizeof(*list));
	for (size_t i = 0; i < count; i++) {
		const struct format_function *f = &list[i];
		const char *name = text_at(check, f->name_ref);
		const uint8_t *bytes = binary_bytes(check->binary, f->target, f->size);
		const struct segment *segment =
			segment_at(check, f->replacement_address, f->replacement_size);
		const struct binary_section *section =
			binary_section_at(check->binary, f->target, f->size);
		uint8_t hash[HASH_SIZE];

		if (!name || !text_at(check, f->unit_ref))
			return fail(check, "function %zu has no name", i);
		if (!bytes || !section || !(section->flags & SHF_EXECINSTR))
			return fail(check, "%s is not code of the target", name);
		hash_bytes(bytes, f->size, hash);
		if (memcmp(hash, f->old_hash, HASH_SIZE) != 0)
			return fail(check, "%s: hash of the old code", name);
		if (!segment || !(segment->flags & PF_X) || f->replacement_size == 0)
			return fail(check, "%s: its replacement is not code of the patch", name);
		for (size_t k = 0; k < i; k++)
			if (f->target < list[k].target + list[k].size &&
			    list[k].target < f->target + f->size)
				return fail(check, "%s overlaps another function", name);
	}
	return 0;
}

/* Where the symbol would be at run time, the target at its link-time addresses. */
static int symbol_value(struct check *check, const struct format_symbol *symbol, uint64_t *value)
{
	const char *name = text_at(check, symbol->name_ref);

	if (!name)
		return fail(check, "symbol without a name");
	switch (symbol->kind) {
	case FORMAT_SYMBOL_TARGET:
		if (!(symbol->flags & FORMAT_SYMBOL_TLS) &&
		    !binary_section_at(check->binary, symbol->value, 0) &&
		    !binary_section_at(check->binary, symbol->value - 1, 1))
			return fail(check, "%s is not in the target", name);
		if (symbol->flags & FORMAT_SYMBOL_TLS && symbol->value > check->binary->tls_size)
			return fail(check, "%s is not in the target's thread-local block", name);
		*value = symbol->flags & FORMAT_SYMBOL_TLS
				 ? binary_tls_to_tp(check->binary, symbol->value)
				 : symbol->value;
		return 0;
	case FORMAT_SYMBOL_IMPORT:
		if (symbol->version_ref != FORMAT_NONE && !text_at(check, symbol->version_ref))
			return fail(check, "%s: version", name);
		*value = UINT64_C(0x7ffff7000000); /* anywhere: libraries are far */
		return 0;
	case FORMAT_SYMBOL_SELF:
		if (!segment_at(check, symbol->value, 0))
			return fail(check, "%s is not in the patch", name);
		*value = check->base + symbol->value;
		return 0;
	case FORMAT_SYMBOL_PATCH:
		if (symbol->depend_ref % sizeof(struct format_depend) ||
		    symbol->depend_ref >= check->sizes[CHECK_depends])
			return fail(check, "%s: in a patch that is not named", name);
		*value = check->base + NEAR + symbol->value; /* not far from it */
		return 0;
	default:
		return fail(check, "%s: kind %u", name, symbol->kind);
	}
}

static int check_reloc(struct check *check, const struct format_reloc *reloc)
{
	const struct arch_ops *arch = check->binary->arch;
	const struct segment *segment;
	struct format_symbol symbol;
	struct arch_reloc_info info;
	uint64_t value = 0;
	int code;

	if (arch->reloc_info(reloc->type, &info) != ARCH_OK || !info.size)
		return fail(check, "relocation type %u", reloc->type);
	if (reloc->symbol_ref % sizeof(symbol) || reloc->symbol_ref >= check->sizes[CHECK_symbols])
		return fail(check, "relocation's symbol");
	memcpy(&symbol, check->tables[CHECK_symbols] + reloc->symbol_ref, sizeof(symbol));
	code = symbol_value(check, &symbol, &value);
	if (code)
		return code;
	segment = segment_at(check, reloc->site_address, info.size);
	if (!segment || reloc->site_address - segment->address + info.size > segment->file_size)
		return fail(check, "relocation %s at 0x%llx is outside the file's contents",
			    info.name, (unsigned long long)reloc->site_address);
	value += (uint64_t)reloc->addend;
	if (info.form == ARCH_RELOC_PC || info.form == ARCH_RELOC_CALL)
		value -= check->base + reloc->site_address;
	if (arch->reloc_store(reloc->type,
			      check->data + segment->offset +
				      (reloc->site_address - segment->address),
			      value) != ARCH_OK)
		return fail(check, "relocation %s against %s at 0x%llx does not fit", info.name,
			    text_at(check, symbol.name_ref),
			    (unsigned long long)reloc->site_address);
	return 0;
}

static int check_relocs(struct check *check)
{
	size_t count = check->sizes[CHECK_relocs] / sizeof(struct format_reloc);

	for (size_t i = 0; i < count; i++) {
		struct format_reloc reloc;
		int code;

		memcpy(&reloc, check->tables[CHECK_relocs] + i * sizeof(reloc), sizeof(reloc));
		code = check_reloc(check, &reloc);
		if (code)
			return code;
	}
	return 0;
}

static int check_data(struct check *check)
{
	size_t count = check->sizes[CHECK_data] / sizeof(struct format_data);

	for (size_t i = 0; i < count; i++) {
		struct format_data data;
		const char *name;

		memcpy(&data, check->tables[CHECK_data] + i * sizeof(data), sizeof(data));
		name = text_at(check, data.name_ref);
		if (!name || !text_at(check, data.unit_ref))
			return fail(check, "data without a name");
		if (data.kind != FORMAT_DATA_NEW &&
		    !binary_section_at(check->binary, data.target, data.size))
			return fail(check, "%s is not in the target", name);
		if (data.kind != FORMAT_DATA_KEEP &&
		    !segment_at(check, data.new_address, data.size))
			return fail(check, "%s is not in the patch", name);
	}
	return 0;
}

static int check_meta(struct check *check)
{
	struct format_header header;
	struct format_module module;

	if (check->sizes[CHECK_header] != sizeof(header) ||
	    check->sizes[CHECK_modules] != sizeof(module))
		return fail(check, "header or module");
	memcpy(&header, check->tables[CHECK_header], sizeof(header));
	memcpy(&module, check->tables[CHECK_modules], sizeof(module));
	if (memcmp(header.magic, FORMAT_MAGIC, sizeof(header.magic)) != 0 ||
	    header.version != FORMAT_VERSION || header.elf_machine != check->binary->machine ||
	    !text_at(check, header.name_ref) || !text_at(check, module.name_ref))
		return fail(check, "header");
	if (module.build_id_size != check->binary->build_id_size ||
	    memcmp(module.build_id, check->binary->build_id, module.build_id_size) != 0)
		return fail(check, "build-id");
	return 0;
}

/* A page-aligned place behind the target, as the agent would choose one. */
static uint64_t near_base(const struct binary *binary)
{
	uint64_t end = 0;

	for (size_t i = 0; i < binary->section_count; i++) {
		const struct binary_section *section = &binary->sections[i];

		if (section->flags & SHF_ALLOC && section->address + section->size > end)
			end = section->address + section->size;
	}
	return (end + NEAR) & ~UINT64_C(0xfff);
}

int selfcheck_run(struct arena *arena, const char *path, const struct binary *binary,
		  struct suture_error *err)
{
	struct check check = {.arena = arena, .path = path, .binary = binary, .err = err};
	cleanup_memory uint8_t *data = NULL;
	Elf64_Ehdr ehdr;
	int code = file_read(path, PATCH_LIMIT, &data, &check.size, err);

	if (code)
		return code;
	check.data = data;
	check.base = near_base(binary);
	if (check.size < sizeof(ehdr))
		return fail(&check, "no ELF header");
	memcpy(&ehdr, data, sizeof(ehdr));
	if (memcmp(ehdr.e_ident, ELFMAG, SELFMAG) != 0 || ehdr.e_type != ET_DYN ||
	    ehdr.e_machine != binary->machine)
		return fail(&check, "not a shared object for the target's machine");
	code = read_segments(&check, &ehdr);
	if (!code)
		code = read_sections(&check, &ehdr);
	if (!code)
		code = check_meta(&check);
	if (!code)
		code = check_functions(&check);
	if (!code)
		code = check_relocs(&check);
	return code ? code : check_data(&check);
}
