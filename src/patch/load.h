/* SPDX-License-Identifier: MIT */
/*
 * Loads a patch near its target with the system's own loader, so that exceptions, dladdr, gdb,
 * perf and core dumps work with no hooks (docs/ARCHITECTURE.md). Plan phase: takes the loader's
 * lock.
 */
#ifndef PATCH_LOAD_H
#define PATCH_LOAD_H

#include "image/image.h"
#include "patch/bind.h"
#include "patch/file.h"
#include "patch/store.h"

struct load {
	void *handle;	 /* the loader's */
	uint64_t base;	 /* added to the patch's link-time addresses */
	uintptr_t start; /* what it occupies */
	uintptr_t end;
	struct store_file store;
	struct load *next; /* owned: of the file for further modules; NULL when there is none */
};

/* Bytes that it occupies, with those that follow. */
uint64_t load_size(const struct load *load);

/*
 * Maps file within reach of near (all of the module), bound by values. NO_ROOM, OLD_LOADER,
 * UNRESOLVED_SYMBOL, IO. Nothing of the patch has run when this returns.
 */
int load_near(const struct patch_file *file, const struct image_module *near,
	      const struct bind_value *values, struct load *load, struct suture_error *err);

/* Only for a patch of which nothing ever ran. */
void load_undo(struct load *load);

/* How often the two above have changed the loader's list. Any thread. */
uint64_t load_changes(void);

#endif
