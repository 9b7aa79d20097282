/* SPDX-License-Identifier: MIT */
/* Loading near by the system's loader; see load.h. Plan phase. */
#include "patch/load.h"

#include "arch/arch.h"
#include "base/error.h"
#include "base/file.h"
#include "base/forkguard.h"
#include "base/log.h"
#include "base/maps.h"
#include "patch/prelink.h"

#include <dlfcn.h>
#include <gnu/libc-version.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum {
	LOAD_ATTEMPTS = 8,
	LOAD_MARGIN = 1 << 20,	    /* bytes kept free at the ends of the reach */
	LOW_ADDRESSES = 0x7fff0000, /* 32-bit signed absolute addresses end here */
};

/* Our own part in what image_generation() counts: a patch needs no other module. */
static _Atomic uint64_t changes;

uint64_t load_changes(void)
{
	return atomic_load(&changes);
}

/* Where a patch may start so that all of it reaches all of the module, and the reverse. */
static int reachable_range(const struct image_module *near, uint64_t span, uintptr_t *low,
			   uintptr_t *high, struct suture_error *err)
{
	uint64_t reach = arch_native()->near_jump_reach - LOAD_MARGIN;

	if (near->end - near->start + span > reach)
		return error_set(err, SUTURE_E_NO_ROOM,
				 "%s is too large to have a patch within reach",
				 image_module_name(near));
	*low = near->end > reach ? near->end - reach : 0;
	*high = near->start + reach;
	/* Code that is not position independent holds 32-bit addresses, of the patch too. */
	if (near->end <= LOW_ADDRESSES && *high > LOW_ADDRESSES)
		*high = LOW_ADDRESSES;
	return 0;
}

static int choose_base(const struct patch_file *file, const struct image_module *near,
		       unsigned attempt, uint64_t *base, struct suture_error *err)
{
	uint64_t span = file->high - file->low + file->alignment;
	uintptr_t low = 0, high = 0, start;
	struct maps maps;
	bool found;
	int rc = reachable_range(near, span, &low, &high, err);

	if (!rc)
		rc = maps_read(0, &maps, err);
	if (rc)
		return rc;
	/* Another thread may have taken the last choice: step aside further each time. */
	found = maps_find_hole(&maps, low, high, near->end + (uintptr_t)attempt * (16 << 20), span,
			       &start);
	maps_fini(&maps);
	if (!found) {
		error_set(err, SUTURE_E_NO_ROOM, "no free %" PRIu64 " bytes within reach of %s",
			  span, image_module_name(near));
		return error_next(err, "this process needs a restart with the fix built in");
	}
	start = (start + file->alignment - 1) & ~(uintptr_t)(file->alignment - 1);
	*base = start - file->low;
	return 0;
}

static bool landed(const struct load *load, const struct patch_file *file)
{
	struct link_map *map;

	(void)file;
	return dlinfo(load->handle, RTLD_DI_LINKMAP, &map) == 0 && map->l_addr == 0;
}

static int try_load(const struct patch_file *file, const struct image_module *near,
		    const struct bind_value *values, unsigned attempt, struct load *load,
		    struct suture_error *err)
{
	cleanup_memory uint8_t *copy = NULL;
	uint64_t base = 0;
	int rc = choose_base(file, near, attempt, &base, err);

	if (rc)
		return rc;
	copy = malloc(file->size);
	if (!copy)
		return error_no_memory(err);
	memcpy(copy, file->bytes, file->size);
	rc = bind_apply(file, copy, values, base, err);
	if (rc)
		return rc;
	prelink_move(file, copy, base);
	rc = store_write(file->name, copy, file->size, &load->store, err);
	if (rc)
		return rc;
	load->base = base;
	load->start = base + file->low;
	load->end = base + file->high;
	fork_guard_enter();
	load->handle = dlopen(load->store.path, RTLD_NOW | RTLD_LOCAL);
	fork_guard_leave();
	if (load->handle)
		atomic_fetch_add(&changes, 1);
	if (!load->handle) {
		const char *why = dlerror();

		rc = error_set(err, SUTURE_E_BAD_PATCH_FILE, "the loader refused %s: %s",
			       load->store.path, why ? why : "no reason given");
		store_discard(&load->store);
	}
	return rc;
}

int load_near(const struct patch_file *file, const struct image_module *near,
	      const struct bind_value *values, struct load *load, struct suture_error *err)
{
	for (unsigned attempt = 0; attempt < LOAD_ATTEMPTS; attempt++) {
		struct load result = {.store.fd = -1};
		int rc = try_load(file, near, values, attempt, &result, err);

		if (rc)
			return rc;
		if (landed(&result, file)) {
			*load = result;
			return 0;
		}
		log_debug("%s did not land at 0x%" PRIx64 ", trying elsewhere", file->name,
			  result.base);
		load_undo(&result);
	}
	error_set(err, SUTURE_E_OLD_LOADER,
		  "glibc %s did not map the patch where it was asked to, %d times",
		  gnu_get_libc_version(), LOAD_ATTEMPTS);
	return error_next(err, "glibc 2.36 or later is needed");
}

void load_undo(struct load *load)
{
	if (load->handle) {
		fork_guard_enter();
		dlclose(load->handle);
		fork_guard_leave();
		atomic_fetch_add(&changes, 1);
	}
	store_discard(&load->store);
	if (load->next)
		load_undo(load->next);
	free(load->next);
	*load = (struct load){.store.fd = -1};
}

uint64_t load_size(const struct load *load)
{
	uint64_t size = 0;

	for (; load; load = load->next)
		size += load->end - load->start;
	return size;
}
