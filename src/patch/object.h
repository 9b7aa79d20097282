/* SPDX-License-Identifier: MIT */
/*
 * A patch in this process: its file, where it was loaded, its state. Created by the plan phase and
 * kept for good once anything of it may have run: saved return addresses and copied function
 * pointers lead into it. One that waits for a module, or whose module was unloaded, is not loaded.
 *
 * Threads: created and changed by the one that carries out transactions. Others may look at the
 * fields marked (locked) under the registry's lock.
 */
#ifndef PATCH_OBJECT_H
#define PATCH_OBJECT_H

#include "patch/file.h"
#include "patch/load.h"
#include "patch/state.h"

#include <time.h>

/* Calls of one replacement. Its stub counts here, so that it stays as long as the process. */
struct patch_counter {
	uint64_t calls;	    /* changed by whoever calls, read with relaxed order */
	uint64_t old_calls; /* the same, of what it replaced, by suture_original() */
	uintptr_t stub;	    /* 0 until it is made */
	uintptr_t old_stub; /* the same, and where it leads */
	uintptr_t old_target;
};

/* Where one of file.modules is. */
struct patch_module {
	uintptr_t bias; /* run-time address minus link-time address */
	uintptr_t start;
	uintptr_t end;
	bool gone; /* it was unloaded since: nothing at these addresses is touched any more */
};

struct patch {
	struct patch_file file;
	struct load load; /* load.handle is NULL while it is not loaded; changed (locked) */
	const char *name; /* in file */
	struct patch_module *modules; /* one per file.modules; owned */
	uint8_t **saved_data;	      /* old bytes of each changed data object, or NULLs. Owned. */
	uintptr_t *places;    /* where each of file.data is that is written to, else 0. Owned. */
	uintptr_t *variables; /* where each of file.variables lives: here, or taken over. Owned. */
	bool ran;	      /* a constructor or hook of it was called, or it was applied once */
	bool constructed;     /* its constructors were called */
	enum patch_state state; /* (locked) */
	unsigned order;		/* (locked) position among the applied, from 1; 0 if not applied */
	struct timespec applied_at;	/* (locked) CLOCK_REALTIME */
	struct scoping *scope;		/* (locked) the agent's: which calls it gets; NULL: all */
	struct patch_counter *counters; /* (locked) one per function, or NULL: not counted */
	long old_threads;   /* (locked) in old code right after it was applied with a count; -1: not
			       looked at */
	bool late;	    /* (locked) put in after its module was loaded: docs/PROTOCOL.md */
	struct patch *next; /* (locked) */
};

/* Takes over *file on success. It is not loaded yet. */
int patch_create(struct patch_file *file, struct patch **patch, struct suture_error *err);

/*
 * Takes over *load, for modules[] (one per file.modules); taken[i] is where file.variables[i] lives
 * already, or 0; places as place_data() has them. Plan phase; under the lock if known.
 */
void patch_attach(struct patch *patch, struct load *load, const struct image_module *const *modules,
		  const uintptr_t *taken, const uintptr_t *places);

/*
 * The opposite: *load is the caller's again, and what belongs to that incarnation (saved data,
 * constructed globals, counters, whose array is returned) is forgotten. Under the lock if known.
 */
struct patch_counter *patch_detach(struct patch *patch, struct load *load);

/* Unloads it. Only for a patch of which nothing ever ran; NULL is fine. */
void patch_destroy(struct patch *patch);

/* Refuses an illegal transition with INTERNAL and changes nothing. */
int patch_set_state(struct patch *patch, enum patch_state state, struct suture_error *err);

/* Run-time address of a link-time address of the patch. */
uintptr_t patch_address(const struct patch *patch, uint64_t address);

/* True if the module at ref was unloaded. */
bool patch_module_gone(const struct patch *patch, uint64_t module_ref);

/* Run-time address of an address in the target module at ref, which is not gone. */
uintptr_t patch_target(const struct patch *patch, uint64_t module_ref, uint64_t target);

#endif
