/* SPDX-License-Identifier: MIT */
/*
 * A patch in this process: its file, where it was loaded, its state. Created by the plan phase and
 * kept for good once anything of it may have run: saved return addresses and copied function
 * pointers lead into it.
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
	uint64_t calls; /* changed by whoever calls, read with relaxed order */
	uintptr_t stub; /* 0 until it is made */
};

struct patch {
	struct patch_file file;
	struct load load;
	const char *name; /* in file */
	/* modules[i] is the run-time bias of file.modules.records[i]. Owned. */
	uintptr_t *biases;
	uint8_t **saved_data; /* old bytes of each changed data object, or NULLs. Owned. */
	uintptr_t
		*variables; /* where each variable of the file lives: here, or taken over. Owned. */
	bool ran;	    /* a constructor or hook of it was called, or it was applied once */
	bool constructed;   /* its constructors were called */
	enum patch_state state; /* (locked) */
	unsigned order;		/* (locked) position among the applied, from 1; 0 if not applied */
	struct timespec applied_at;	/* (locked) CLOCK_REALTIME */
	struct patch_counter *counters; /* (locked) one per function, or NULL: not counted */
	struct patch *next;		/* (locked) */
};

/* Takes over *file and *load on success. */
int patch_create(struct patch_file *file, struct load *load, struct patch **patch,
		 struct suture_error *err);

/* Unloads it. Only for a patch of which nothing ever ran; NULL is fine. */
void patch_destroy(struct patch *patch);

/* Refuses an illegal transition with INTERNAL and changes nothing. */
int patch_set_state(struct patch *patch, enum patch_state state, struct suture_error *err);

/* Run-time address of a link-time address of the patch. */
uintptr_t patch_address(const struct patch *patch, uint64_t address);

/* Run-time address of an address in the target module at ref. */
uintptr_t patch_target(const struct patch *patch, uint64_t module_ref, uint64_t target);

#endif
