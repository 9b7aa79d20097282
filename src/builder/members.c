/* SPDX-License-Identifier: MIT */
/* The units of a binary; see members.h. */
#include "builder/members.h"

#include "builder/debuginfo.h"
#include "builder/mapped.h"
#include "builder/ninja.h"
#include "builder/path.h"

#include "base/error.h"
#include "base/file.h"

#include <dirent.h>
#include <dwarf.h>
#include <elfutils/libdw.h>
#include <elfutils/libdwfl.h>
#include <fcntl.h>
#include <string.h>

enum { LINK_TEXT_MAX = 1 << 28 };

/* All that the entries' sources may be called in debug information. */
static void entry_names(const struct compdb *db, struct strings *names)
{
	for (size_t i = 0; i < db->count; i++) {
		char *mapped = mapped_source(&db->entries[i]);

		strings_take(names, path_real("/", db->entries[i].file));
		if (mapped)
			strings_take(names, mapped);
	}
	strings_sort(names);
}

/*
 * A unit's source by its name and folder. Where both are mapped to relative ones, the name is seen
 * from the folder, or was absolute before: which one is told by the sources that there are.
 */
static char *unit_path(const char *folder, const char *name, const struct strings *sources)
{
	cleanup_memory char *base = path_absolute("/", folder ? folder : "/");
	cleanup_memory char *whole = path_absolute("/", name);
	cleanup_memory char *seen = base ? path_absolute(base, name) : NULL;

	if (!base || !whole || !seen)
		return NULL;
	if (*name == '/' || *folder == '/')
		return path_real(base, name);
	if (!strings_contain_sorted(sources, seen) && strings_contain_sorted(sources, whole))
		return strdup(whole);
	return strdup(seen);
}

/* Names of the binary's compilation units, absolute and real. Empty without debug information. */
static void units_from_debug(const char *binary, const struct strings *sources,
			     struct strings *units)
{
	Dwfl_Module *module;
	Dwfl *dwfl = debuginfo_open(binary, &module);
	Dwarf_Addr bias;
	Dwarf_Die *unit = NULL;

	if (!dwfl)
		return;
	while (module && (unit = dwfl_module_nextcu(module, unit, &bias))) {
		Dwarf_Attribute attribute;
		const char *name = dwarf_formstring(dwarf_attr(unit, DW_AT_name, &attribute));
		const char *folder = dwarf_formstring(dwarf_attr(unit, DW_AT_comp_dir, &attribute));

		if (name && (*name == '/' || folder))
			strings_take(units, unit_path(folder, name, sources));
	}
	dwfl_end(dwfl);
}

/* Names of the symbol table's FILE symbols: without folders. */
static void units_from_symbols(const char *binary, struct strings *names)
{
	cleanup_fd int fd = open(binary, O_RDONLY | O_CLOEXEC);
	Elf_Scn *section = NULL;
	Elf *elf;

	elf_version(EV_CURRENT);
	elf = fd >= 0 ? elf_begin(fd, ELF_C_READ_MMAP, NULL) : NULL;
	while (elf && (section = elf_nextscn(elf, section))) {
		GElf_Shdr header;
		GElf_Sym symbol;
		Elf_Data *data;

		if (!gelf_getshdr(section, &header) || header.sh_type != SHT_SYMTAB)
			continue;
		data = elf_getdata(section, NULL);
		for (int i = 0; data && gelf_getsym(data, i, &symbol); i++) {
			const char *name = elf_strptr(elf, header.sh_link, symbol.st_name);

			if (GELF_ST_TYPE(symbol.st_info) == STT_FILE && name && *name)
				strings_add(names, name);
		}
	}
	elf_end(elf);
}

/* True when the command of a link.txt makes the binary; its objects are added then. */
static void read_link(const char *path, const char *folder, const char *real_binary,
		      struct strings *objects)
{
	cleanup_memory uint8_t *data = NULL;
	cleanup_memory char *text = NULL;
	struct strings argv = {0};
	bool makes_binary = false;
	size_t size;

	if (file_read(path, LINK_TEXT_MAX, &data, &size, NULL))
		return;
	text = strndup((char *)data, size);
	if (!text)
		return;
	strings_split(&argv, text, false);
	for (size_t i = 0; i + 1 < argv.count && !makes_binary; i++) {
		cleanup_memory char *made = NULL;

		if (strcmp(argv.items[i], "-o") != 0)
			continue;
		made = path_real(folder, argv.items[i + 1]);
		makes_binary = made && strcmp(made, real_binary) == 0;
	}
	for (size_t i = 0; makes_binary && i < argv.count; i++) {
		const char *dot = strrchr(argv.items[i], '.');

		/* With an archive among them the list isn't all: leave it to the debug information.
		 */
		if (dot && strcmp(dot, ".a") == 0) {
			strings_fini(objects);
			break;
		}
		if (dot && strcmp(dot, ".o") == 0)
			strings_take(objects, path_real(folder, argv.items[i]));
	}
	strings_fini(&argv);
}

/* CMake's Makefiles keep each target's link command in CMakeFiles/TARGET.dir/link.txt. */
static void objects_from_links(const char *binary, const char *build_dir, struct strings *objects)
{
	cleanup_memory char *real_binary = realpath(binary, NULL);
	cleanup_memory char *folder = real_binary ? path_folder(real_binary) : NULL;
	cleanup_memory char *real_build = realpath(build_dir, NULL);

	/* The target's folder may be any above the binary's, up to the top of the build tree. */
	while (folder && real_build && path_inside(folder, real_build) && !objects->count) {
		cleanup_memory char *files = path_join(folder, "CMakeFiles");
		DIR *dir = files ? opendir(files) : NULL;
		struct dirent *entry;
		char *up;

		while (dir && !objects->count && (entry = readdir(dir))) {
			cleanup_memory char *link = NULL;

			if (asprintf(&link, "%s/%s/link.txt", files, entry->d_name) < 0)
				link = NULL;
			if (link && path_exists(link))
				read_link(link, folder, real_binary, objects);
		}
		if (dir)
			closedir(dir);
		up = path_folder(folder);
		free(folder);
		folder = up;
	}
}

/* Keeps the entries whose object was linked; without any, this source of knowledge is no good. */
static bool keep_linked(const struct compdb *db, const struct strings *objects, bool *wanted)
{
	bool any = false;

	for (size_t i = 0; i < db->count; i++) {
		cleanup_memory char *output = NULL;

		wanted[i] = false;
		if (!db->entries[i].output)
			continue;
		output = path_real("/", db->entries[i].output);
		wanted[i] = output && strings_contain_sorted(objects, output);
		any |= wanted[i];
	}
	return any;
}

static void add_bases(struct strings *bases, const struct strings *paths)
{
	for (size_t i = 0; i < paths->count; i++)
		strings_add(bases, path_base(paths->items[i]));
	strings_sort(bases);
}

/*
 * By what the binary says itself. A unit may have no debug information (a library built without -g
 * among others): then its FILE symbol speaks for it, unless that name is a described unit's.
 */
static bool keep_by_tables(const struct compdb *db, const char *binary, bool *wanted, bool *linked)
{
	struct strings described = {0}, bases = {0}, named = {0}, strays = {0}, sources = {0};
	cleanup_memory bool *found = NULL;
	bool any = false;

	entry_names(db, &sources);
	units_from_debug(binary, &sources, &described);
	strings_sort(&described);
	add_bases(&bases, &described);
	units_from_symbols(binary, &named);
	strings_sort(&named);
	found = calloc(described.count + 1, sizeof(*found));
	for (size_t i = 0; i < db->count; i++) {
		cleanup_memory char *real = path_real("/", db->entries[i].file);
		cleanup_memory char *mapped = mapped_source(&db->entries[i]);
		const char *base = real ? path_base(real) : NULL;

		linked[i] = real && (strings_contain_sorted(&described, real) ||
				     (mapped && strings_contain_sorted(&described, mapped)));
		wanted[i] = linked[i] || (real && strings_contain_sorted(&named, base) &&
					  !strings_contain_sorted(&bases, base));
		any |= wanted[i];
		for (size_t k = 0; k < described.count && real && found; k++)
			found[k] |= strcmp(described.items[k], real) == 0 ||
				    (mapped && strcmp(described.items[k], mapped) == 0);
	}
	/* A tree that was built under another name has other paths: names must do. */
	for (size_t k = 0; k < described.count && found; k++)
		if (!found[k])
			strings_add(&strays, path_base(described.items[k]));
	strings_sort(&strays);
	for (size_t i = 0; i < db->count; i++)
		wanted[i] |= strings_contain_sorted(&strays, path_base(db->entries[i].file));
	for (size_t i = 0, none = !any; i < db->count && none; i++)
		wanted[i] |= strings_contain_sorted(&named, path_base(db->entries[i].file));
	for (size_t i = 0; i < db->count && !any; i++)
		any = wanted[i];
	strings_fini(&described);
	strings_fini(&bases);
	strings_fini(&named);
	strings_fini(&strays);
	strings_fini(&sources);
	return any;
}

/*
 * A command that writes what another one compiles (preprocessed text, clang's modules) makes no
 * object: the unit is the other one, whatever name the object has for its source.
 */
static void pass_on(const struct compdb *db, bool *wanted, bool *linked)
{
	for (size_t i = 0; i < db->count; i++) {
		const char *output = db->entries[i].output;
		const char *dot = output ? strrchr(path_base(output), '.') : NULL;

		if (!wanted[i] || !dot || strcmp(dot, ".o") == 0 || strcmp(dot, ".lo") == 0)
			continue;
		for (size_t k = 0; k < db->count; k++) {
			if (k == i || strcmp(db->entries[k].file, output) != 0)
				continue;
			wanted[k] = true;
			wanted[i] = false;
			linked[k] = linked[i];
		}
	}
}

int members_find(const char *binary, const char *build_dir, const char *work_dir,
		 const struct compdb *db, bool *wanted, bool *linked, struct suture_error *err)
{
	struct strings names = {0};
	bool known = false;
	int rc = ninja_linked(binary, build_dir, work_dir, db, &names, err);

	if (!rc && !names.count)
		objects_from_links(binary, build_dir, &names);
	strings_sort(&names);
	known = !rc && names.count && keep_linked(db, &names, wanted);
	if (known)
		memcpy(linked, wanted, db->count * sizeof(*linked));
	if (!rc && !known)
		known = keep_by_tables(db, binary, wanted, linked);
	if (!rc && !known)
		memset(wanted, true, db->count * sizeof(*wanted));
	if (!rc)
		pass_on(db, wanted, linked);
	if (!rc && !strings_ok(&names))
		rc = error_no_memory(err);
	strings_fini(&names);
	return rc;
}
