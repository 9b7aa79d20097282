/* SPDX-License-Identifier: MIT */
/* Reading the linked binary by libelf. Every range is checked against the file here. */
#include "binary.h"

#include "base/error.h"
#include "base/file.h"
#include "debugfile.h"

#include <gelf.h>
#include <stdlib.h>
#include <string.h>

enum { BINARY_LIMIT = 0x7fffffff };

struct reading {
	struct arena *arena;
	struct binary *binary;
	const char *path;
	Elf *elf;
	struct suture_error *err;
};

static int damaged(struct reading *r, const char *what)
{
	return error_set(r->err, SUTURE_E_BAD_INPUT, "%s: damaged ELF file: %s", r->path, what);
}

static int open_file(struct reading *r)
{
	cleanup_memory uint8_t *data = NULL;
	uint8_t *image;
	size_t size;
	GElf_Ehdr ehdr;
	int code = file_read(r->path, BINARY_LIMIT, &data, &size, r->err);

	if (code)
		return code;
	image = arena_array(r->arena, size, 1);
	if (!image)
		return error_no_memory(r->err);
	memcpy(image, data, size);
	elf_version(EV_CURRENT);
	r->elf = elf_memory((char *)image, size);
	if (!r->elf || elf_kind(r->elf) != ELF_K_ELF || !gelf_getehdr(r->elf, &ehdr) ||
	    ehdr.e_ident[EI_CLASS] != ELFCLASS64 || ehdr.e_ident[EI_DATA] != ELFDATA2LSB ||
	    (ehdr.e_type != ET_EXEC && ehdr.e_type != ET_DYN)) {
		elf_end(r->elf);
		return error_set(r->err, SUTURE_E_BAD_INPUT,
				 "%s: not a 64-bit ELF executable or shared object", r->path);
	}
	return 0;
}

/* Without an interpreter a program has no loader that could map a patch: -static, -static-pie. */
static bool is_static(struct reading *r, bool interpreted)
{
	Elf_Scn *scn = NULL;
	GElf_Shdr shdr;
	GElf_Dyn dyn;

	if (interpreted || r->binary->executable)
		return !interpreted;
	while ((scn = elf_nextscn(r->elf, scn))) {
		Elf_Data *data;

		if (!gelf_getshdr(scn, &shdr) || shdr.sh_type != SHT_DYNAMIC)
			continue;
		data = elf_getdata(scn, NULL);
		for (int i = 0; data && gelf_getdyn(data, i, &dyn) && dyn.d_tag != DT_NULL; i++)
			if (dyn.d_tag == DT_FLAGS_1)
				return dyn.d_un.d_val & DF_1_PIE;
	}
	return false;
}

static int read_header(struct reading *r)
{
	struct binary *binary = r->binary;
	bool interpreted = false;
	GElf_Ehdr ehdr;
	size_t count;

	if (!gelf_getehdr(r->elf, &ehdr) || elf_getphdrnum(r->elf, &count))
		return damaged(r, "header");
	binary->machine = ehdr.e_machine;
	binary->arch = arch_for_machine(ehdr.e_machine);
	if (!binary->arch)
		return error_set(r->err, SUTURE_E_ARCHITECTURE, "%s: machine %u is not supported",
				 r->path, ehdr.e_machine);
	binary->position_independent = ehdr.e_type == ET_DYN;
	binary->executable = ehdr.e_type == ET_EXEC;
	for (size_t i = 0; i < count; i++) {
		GElf_Phdr phdr;

		if (!gelf_getphdr(r->elf, (int)i, &phdr))
			return damaged(r, "program header");
		interpreted |= phdr.p_type == PT_INTERP;
		if (phdr.p_type != PT_TLS)
			continue;
		if (phdr.p_align & (phdr.p_align - 1))
			return damaged(r, "alignment of thread-local storage");
		binary->has_tls = true;
		binary->tls_address = phdr.p_vaddr;
		binary->tls_size = phdr.p_memsz;
		binary->tls_align = phdr.p_align;
	}
	binary->is_static = is_static(r, interpreted);
	binary->executable |= interpreted || binary->is_static;
	return 0;
}

static void read_notes(struct reading *r, Elf_Data *data)
{
	struct binary *binary = r->binary;
	size_t offset = 0;
	size_t name;
	size_t desc;
	GElf_Nhdr note;

	while (data && (offset = gelf_getnote(data, offset, &note, &name, &desc)) > 0) {
		const char *bytes = data->d_buf;

		if (note.n_type != NT_GNU_BUILD_ID || note.n_namesz != 4 ||
		    memcmp(bytes + name, "GNU", 4) != 0 || note.n_descsz > BINARY_BUILD_ID_SIZE)
			continue;
		memcpy(binary->build_id, bytes + desc, note.n_descsz);
		binary->build_id_size = note.n_descsz;
	}
}

static int read_sections(struct reading *r)
{
	struct binary *binary = r->binary;
	Elf_Scn *scn = NULL;
	size_t names;

	if (elf_getshdrnum(r->elf, &binary->section_count) || elf_getshdrstrndx(r->elf, &names))
		return damaged(r, "section table");
	binary->sections = arena_array(r->arena, binary->section_count, sizeof(*binary->sections));
	if (!binary->sections)
		return error_no_memory(r->err);
	while ((scn = elf_nextscn(r->elf, scn))) {
		size_t index = elf_ndxscn(scn);
		struct binary_section *section;
		Elf_Data *data = NULL;
		GElf_Shdr shdr;
		const char *name;

		if (index >= binary->section_count || !gelf_getshdr(scn, &shdr))
			return damaged(r, "section header");
		section = &binary->sections[index];
		name = elf_strptr(r->elf, names, shdr.sh_name);
		section->name = name ? arena_text(r->arena, name) : "";
		section->type = shdr.sh_type;
		section->flags = shdr.sh_flags;
		section->address = shdr.sh_addr;
		section->size = shdr.sh_size;
		if (shdr.sh_addr + shdr.sh_size < shdr.sh_addr)
			return damaged(r, "section address");
		if (shdr.sh_type == SHT_NOBITS || !(shdr.sh_flags & SHF_ALLOC) || !shdr.sh_size)
			continue;
		data = elf_rawdata(scn, NULL);
		if (!data || !data->d_buf || data->d_size != shdr.sh_size)
			return damaged(r, "section contents");
		section->data = data->d_buf;
		if (shdr.sh_type == SHT_NOTE)
			read_notes(r, elf_getdata_rawchunk(r->elf, (int64_t)shdr.sh_offset,
							   shdr.sh_size, ELF_T_NHDR));
	}
	return 0;
}

/* The version of dynamic symbol `index`, wanted or defined; NULL for none. */
struct versions {
	Elf_Data *versym;
	const char **names; /* by version number */
	size_t count;
};

static void set_version(struct arena *arena, struct versions *versions, size_t number,
			const char *name)
{
	number &= 0x7fff;
	if (!name || number < 2 || number >= versions->count)
		return;
	versions->names[number] = arena_text(arena, name);
}

/* Steps on to the next record, as the file says; false: there is none, or it lies outside. */
static bool step_on(const Elf_Data *data, int *offset, uint32_t next)
{
	if (next == 0 || data->d_size > INT32_MAX || next >= data->d_size - (size_t)*offset)
		return false;
	*offset += (int)next;
	return true;
}

static void read_needed(struct reading *r, struct versions *versions, Elf_Data *data, size_t link)
{
	GElf_Verneed need;
	GElf_Vernaux aux;
	int offset = 0;

	while (gelf_getverneed(data, offset, &need)) {
		int at = offset;
		bool more = step_on(data, &at, need.vn_aux);

		for (unsigned i = 0; more && i < need.vn_cnt && gelf_getvernaux(data, at, &aux);
		     i++) {
			set_version(r->arena, versions, aux.vna_other,
				    elf_strptr(r->elf, link, aux.vna_name));
			more = step_on(data, &at, aux.vna_next);
		}
		if (!step_on(data, &offset, need.vn_next))
			break;
	}
}

static void read_defined(struct reading *r, struct versions *versions, Elf_Data *data, size_t link)
{
	GElf_Verdef def;
	GElf_Verdaux aux;
	int offset = 0;

	while (gelf_getverdef(data, offset, &def)) {
		int at = offset;

		if (step_on(data, &at, def.vd_aux) && gelf_getverdaux(data, at, &aux))
			set_version(r->arena, versions, def.vd_ndx,
				    elf_strptr(r->elf, link, aux.vda_name));
		if (!step_on(data, &offset, def.vd_next))
			break;
	}
}

/* Room for every number that a version can have, once there is a table of them. */
static bool make_version_names(struct reading *r, struct versions *versions)
{
	if (!versions->names) {
		versions->count = 0x8000;
		versions->names = arena_array(r->arena, versions->count, sizeof(*versions->names));
	}
	return versions->names != NULL;
}

static int read_versions(struct reading *r, struct versions *versions)
{
	Elf_Scn *scn = NULL;

	while ((scn = elf_nextscn(r->elf, scn))) {
		GElf_Shdr shdr;
		Elf_Data *data;

		if (!gelf_getshdr(scn, &shdr))
			return damaged(r, "section header");
		if (shdr.sh_type != SHT_GNU_versym && shdr.sh_type != SHT_GNU_verneed &&
		    shdr.sh_type != SHT_GNU_verdef)
			continue;
		data = elf_getdata(scn, NULL);
		if (!data)
			return damaged(r, "symbol versions");
		if (!make_version_names(r, versions))
			return error_no_memory(r->err);
		if (shdr.sh_type == SHT_GNU_versym)
			versions->versym = data;
		else if (shdr.sh_type == SHT_GNU_verneed)
			read_needed(r, versions, data, shdr.sh_link);
		else
			read_defined(r, versions, data, shdr.sh_link);
	}
	return 0;
}

/* A growing list of symbols; `order` keeps .dynsym's numbering for relocations. */
struct symbol_list {
	struct binary_symbol *list;
	size_t count;
	size_t capacity;
};

static int add_symbols(struct reading *r, Elf_Scn *scn, const GElf_Shdr *shdr,
		       const struct versions *versions, struct symbol_list *out)
{
	Elf_Data *data = elf_getdata(scn, NULL);
	const char *file = NULL;

	if (!data || shdr->sh_entsize == 0)
		return damaged(r, "symbol table");
	for (size_t i = 0; i < data->d_size / shdr->sh_entsize; i++) {
		struct binary_symbol *symbol;
		GElf_Versym version = 0;
		const char *name;
		GElf_Sym sym;

		out->list = arena_grow(r->arena, out->list, out->count, &out->capacity,
				       sizeof(*out->list));
		if (!out->list)
			return error_no_memory(r->err);
		if (!gelf_getsym(data, (int)i, &sym))
			return damaged(r, "symbol");
		name = elf_strptr(r->elf, shdr->sh_link, sym.st_name);
		if (!name)
			return damaged(r, "symbol name");
		symbol = &out->list[out->count++];
		*symbol = (struct binary_symbol){.name = *name ? arena_text(r->arena, name) : ""};
		if (arena_check(r->arena, r->err))
			return -(int)SUTURE_E_NO_MEMORY;
		symbol->type = GELF_ST_TYPE(sym.st_info);
		symbol->bind = GELF_ST_BIND(sym.st_info);
		symbol->address = sym.st_value;
		symbol->size = sym.st_size;
		symbol->defined = sym.st_shndx != SHN_UNDEF;
		symbol->dynamic = versions != NULL;
		if (symbol->type == STT_FILE)
			file = symbol->name;
		if (symbol->bind == STB_LOCAL)
			symbol->file = file;
		if (versions && versions->versym &&
		    gelf_getversym(versions->versym, (int)i, &version))
			symbol->version = versions->names[version & 0x7fff];
	}
	return 0;
}

static int read_symbols(struct reading *r, uint32_t type, const struct versions *versions,
			struct symbol_list *out)
{
	Elf_Scn *scn = NULL;

	while ((scn = elf_nextscn(r->elf, scn))) {
		GElf_Shdr shdr;

		if (!gelf_getshdr(scn, &shdr))
			return damaged(r, "section header");
		if (shdr.sh_type == type)
			return add_symbols(r, scn, &shdr, versions, out);
	}
	return 0;
}

static int read_slots(struct reading *r, const struct symbol_list *dynamic)
{
	struct binary *binary = r->binary;
	Elf_Scn *scn = NULL;
	size_t capacity = 0;

	while ((scn = elf_nextscn(r->elf, scn))) {
		GElf_Shdr shdr;
		Elf_Data *data;

		if (!gelf_getshdr(scn, &shdr))
			return damaged(r, "section header");
		if (shdr.sh_type != SHT_RELA || !(shdr.sh_flags & SHF_ALLOC) || !shdr.sh_entsize)
			continue;
		data = elf_getdata(scn, NULL);
		if (!data)
			return damaged(r, "dynamic relocations");
		for (size_t i = 0; i < data->d_size / shdr.sh_entsize; i++) {
			struct arch_reloc_info info;
			struct binary_slot *slot;
			GElf_Rela rela;

			binary->slots = arena_grow(r->arena, binary->slots, binary->slot_count,
						   &capacity, sizeof(*binary->slots));
			if (!binary->slots)
				return error_no_memory(r->err);
			if (!gelf_getrela(data, (int)i, &rela) ||
			    GELF_R_SYM(rela.r_info) >= dynamic->count + !dynamic->count)
				return damaged(r, "dynamic relocation");
			if (binary->arch->reloc_info((uint32_t)GELF_R_TYPE(rela.r_info), &info) !=
			    ARCH_OK)
				continue;
			slot = &binary->slots[binary->slot_count++];
			*slot = (struct binary_slot){
				.address = rela.r_offset,
				.form = info.form,
				.addend = rela.r_addend,
			};
			if (GELF_R_SYM(rela.r_info))
				slot->symbol = &dynamic->list[GELF_R_SYM(rela.r_info)];
		}
	}
	return 0;
}

static int by_name(const void *left, const void *right)
{
	const struct binary_symbol *a = left;
	const struct binary_symbol *b = right;
	int order = strcmp(a->name, b->name);

	if (order)
		return order;
	/* Defined and global ones first: what a reference by name means. */
	if (a->defined != b->defined)
		return a->defined ? -1 : 1;
	if ((a->bind == STB_LOCAL) != (b->bind == STB_LOCAL))
		return a->bind == STB_LOCAL ? 1 : -1;
	if (a->address != b->address)
		return a->address < b->address ? -1 : 1;
	return (int)a->dynamic - (int)b->dynamic;
}

static int by_slot_address(const void *left, const void *right)
{
	const struct binary_slot *a = left;
	const struct binary_slot *b = right;

	return a->address < b->address ? -1 : a->address > b->address;
}

static int by_symbol_address(const void *left, const void *right)
{
	const struct binary_symbol *a = *(const struct binary_symbol *const *)left;
	const struct binary_symbol *b = *(const struct binary_symbol *const *)right;

	if (a->address != b->address)
		return a->address < b->address ? -1 : 1;
	return by_name(a, b);
}

static int sort_tables(struct reading *r, const struct symbol_list *all)
{
	struct binary *binary = r->binary;

	/* The list that slots point into keeps its order: sort a copy. */
	binary->symbols = arena_array(r->arena, all->count, sizeof(*binary->symbols));
	binary->by_address = arena_array(r->arena, all->count, sizeof(*binary->by_address));
	if (!binary->symbols || !binary->by_address)
		return error_no_memory(r->err);
	for (size_t i = 0; i < all->count; i++) {
		const struct binary_symbol *symbol = &all->list[i];

		if (*symbol->name && symbol->type != STT_SECTION && symbol->type != STT_FILE)
			binary->symbols[binary->symbol_count++] = *symbol;
	}
	qsort(binary->symbols, binary->symbol_count, sizeof(*binary->symbols), by_name);
	for (size_t i = 0; i < binary->symbol_count; i++) {
		const struct binary_symbol *symbol = &binary->symbols[i];

		if (symbol->defined && symbol->type != STT_TLS)
			binary->by_address[binary->by_address_count++] = symbol;
	}
	qsort(binary->by_address, binary->by_address_count, sizeof(*binary->by_address),
	      by_symbol_address);
	if (binary->slot_count)
		qsort(binary->slots, binary->slot_count, sizeof(*binary->slots), by_slot_address);
	return 0;
}

/* Symbols of the separate debug file, which has the same addresses. */
static int read_debug_symbols(struct reading *r, const char *debug_file, struct symbol_list *all)
{
	const char *path = debug_file;
	struct binary twin = {0};
	struct reading debug = {.arena = r->arena, .binary = &twin, .err = r->err};
	int code;

	if (!path)
		path = debugfile_find(r->arena, r->path, r->elf, r->binary->build_id,
				      r->binary->build_id_size);
	if (!path)
		return 0;
	debug.path = path;
	code = open_file(&debug);
	if (code)
		return code;
	code = read_sections(&debug);
	if (!code && (twin.build_id_size != r->binary->build_id_size ||
		      memcmp(twin.build_id, r->binary->build_id, twin.build_id_size) != 0))
		code = error_set(r->err, SUTURE_E_BUILD_ID,
				 "%s: debug file of another build than %s", path, r->path);
	if (!code)
		code = read_symbols(&debug, SHT_SYMTAB, NULL, all);
	elf_end(debug.elf);
	return code;
}

static int read_all(struct reading *r, const char *debug_file)
{
	struct symbol_list dynamic = {0};
	struct symbol_list all = {0};
	struct versions versions = {0};
	int code = read_header(r);

	if (!code)
		code = read_sections(r);
	if (!code)
		code = read_versions(r, &versions);
	if (!code)
		code = read_symbols(r, SHT_DYNSYM, &versions, &dynamic);
	if (!code)
		code = read_slots(r, &dynamic);
	if (!code)
		code = read_symbols(r, SHT_SYMTAB, NULL, &all);
	if (!code && !all.count)
		code = read_debug_symbols(r, debug_file, &all);
	if (code)
		return code;
	r->binary->stripped = all.count == 0;
	for (size_t i = 0; i < dynamic.count; i++) {
		all.list =
			arena_grow(r->arena, all.list, all.count, &all.capacity, sizeof(*all.list));
		if (!all.list)
			return error_no_memory(r->err);
		all.list[all.count++] = dynamic.list[i];
	}
	return sort_tables(r, &all);
}

int binary_read(struct arena *arena, const char *path, const char *debug_file,
		struct binary *binary, struct suture_error *err)
{
	struct reading r = {.arena = arena, .binary = binary, .path = path, .err = err};
	const char *slash = strrchr(path, '/');
	int code;

	*binary = (struct binary){0};
	binary->path = arena_text(arena, path);
	binary->name = arena_text(arena, slash ? slash + 1 : path);
	code = open_file(&r);
	if (code)
		return code;
	code = read_all(&r, debug_file);
	if (!code)
		code = arena_check(arena, err);
	elf_end(r.elf);
	return code;
}
