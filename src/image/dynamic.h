/* SPDX-License-Identifier: MIT */
/*
 * A loaded module's dynamic symbols and relocations, read from its memory: what the module itself
 * is bound to. Plan phase only; the module must stay loaded meanwhile.
 */
#ifndef IMAGE_DYNAMIC_H
#define IMAGE_DYNAMIC_H

#include "image/image.h"

struct dynamic {
	const struct image_module *module; /* borrowed, like everything below */
	const char *strings;
	size_t strings_size;
	const ElfW(Sym) * symbols;
	size_t symbol_count; /* as far as the hash table tells */
	const ElfW(Versym) * versions;
	const ElfW(Verneed) * needs;
	size_t need_count;
	const ElfW(Verdef) * defines;
	size_t define_count;
	const ElfW(Rela) * relocs;
	size_t reloc_count;
	const ElfW(Rela) * calls; /* DT_JMPREL */
	size_t call_count;
	bool symbolic; /* its own definitions come first, whoever else has the name */
	const uint32_t *gnu_hash;
	const uint32_t *sysv_hash;
};

/* Returns UNSUPPORTED for a module without dynamic symbols (static programs). */
int dynamic_open(const struct image_module *module, struct dynamic *dynamic,
		 struct suture_error *err);

/*
 * The relocation through which the module itself is bound to (name, version); version NULL matches
 * any. form tells which kind (arch's enum arch_reloc_form). Returns NULL when the module doesn't
 * use it.
 */
const ElfW(Rela) * dynamic_find_reloc(const struct dynamic *dynamic, const char *name,
				      const char *version, int *form);

/*
 * Calls each for every place that the loader fills with the address of name, which the module does
 * not define: kinds as in dynamic_find_reloc(), without offsets.
 */
void dynamic_each_use(const struct dynamic *dynamic, const char *name,
		      void (*each)(const struct image_module *module, const ElfW(Rela) * reloc,
				   int form, void *context),
		      void *context);

/* The name by which a variable that begins at address (before the bias) may be taken from another
 * module; NULL: it is the module's alone. */
const char *dynamic_name_of(const struct dynamic *dynamic, uint64_t address);

/* The module's own definition of name, or NULL. */
const ElfW(Sym) *
	dynamic_find_symbol(const struct dynamic *dynamic, const char *name, const char *version);

#endif
