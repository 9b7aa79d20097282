/* SPDX-License-Identifier: MIT */
/*
 * Binds what a patch refers to, to what the *target* is bound to, and fills the side table's
 * fields in the patch's private copy. Plan phase; reads the process, changes nothing in it.
 */
#ifndef PATCH_BIND_H
#define PATCH_BIND_H

#include "image/image.h"
#include "patch/file.h"

/* Where a patch that this one builds on was loaded. */
struct bind_depend {
	uint64_t base;
};

struct bind_value {
	uint64_t address;    /* or, for thread-local symbols, the offset in the module's block */
	uint64_t tls_module; /* the loader's module number; 0 if not thread-local */
	int64_t tp_offset;   /* from the thread pointer, valid if tls_static */
	bool tls_static;
	bool self; /* address is relative to the patch's base */
};

/*
 * One value per symbol of the file. taken[i] is where file->variables.records[i] lives that another
 * patch brought, or 0; NULL when there is none. modules[i] is the loaded module for
 * file->modules.records[i]; depends[i] for file->depends.records[i]. The caller frees *values.
 */
int bind_symbols(const struct patch_file *file, const struct image *image,
		 const struct image_module *const *modules, const struct bind_depend *depends,
		 const uintptr_t *taken, struct bind_value **values, struct suture_error *err);

/* Fills the fields in data, a private copy of the file's bytes, for a patch based at base. */
int bind_apply(const struct patch_file *file, uint8_t *data, const struct bind_value *values,
	       uint64_t base, struct suture_error *err);

#endif
