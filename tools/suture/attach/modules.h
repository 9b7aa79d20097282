/* SPDX-License-Identifier: MIT */
/*
 * The ELF objects that are mapped in another process, as its own memory tells: a file of that name
 * may be another one by now, or not be there at all.
 */
#ifndef ATTACH_MODULES_H
#define ATTACH_MODULES_H

#include "cli/attach/remote.h"

#include <link.h>
#include <stddef.h>

enum { MODULE_NAME_SIZE = 128 };

struct module {
	char *path; /* owned; as the kernel prints it */
	char soname[MODULE_NAME_SIZE];
	uint64_t inode;
	uint64_t start; /* of its ELF header */
	uint64_t end;	/* behind the last segment */
	uint64_t bias;
	ElfW(Phdr) * phdr; /* owned */
	size_t phnum;
	bool executable; /* the main program */
	/* From its dynamic section; 0: there is none. */
	uint64_t strings;
	uint64_t symbols;
	uint64_t versions;
	uint64_t gnu_hash;
};

struct modules {
	struct module *items; /* owned, by rising address */
	size_t count;
};

struct symbol {
	uint64_t start; /* run-time address */
	uint64_t end;
};

/* Foreign objects (another class or processor) are left out. */
int modules_read(const struct remote *remote, struct modules *modules, struct suture_error *err);
void modules_fini(struct modules *modules);

const struct module *modules_at(const struct modules *modules, uint64_t address);
const struct module *modules_named(const struct modules *modules, const char *soname);
const struct module *modules_executable(const struct modules *modules);

/* Is the very same object still, or again, at its place in other? */
bool modules_keep(const struct modules *other, const struct module *module);

/*
 * The function or variable that a module itself exports under that name, in its default version.
 * False when there is none.
 */
bool module_symbol(const struct remote *remote, const struct module *module, const char *name,
		   struct symbol *symbol);

#endif
