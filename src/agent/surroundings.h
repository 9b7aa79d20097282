/* SPDX-License-Identifier: MIT */
/*
 * What lies around an entry, for the choice of its jump: the bytes behind the function, padding
 * nearby, addresses that no jump may cover. The patch says where to look, memory decides: bytes are
 * padding when they are that in this process, behind code that does not run on into them.
 *
 * Agent's thread, plan phase.
 */
#ifndef AGENT_SURROUNDINGS_H
#define AGENT_SURROUNDINGS_H

#include "agent/site.h"
#include "patch/object.h"
#include "trampoline/tier.h"

enum {
	SURROUNDINGS_HOLES = 16,
	SURROUNDINGS_HOLE_SIZE = 32, /* bytes of one hole that are looked at */
	SURROUNDINGS_LABELS = 16,
};

struct surroundings {
	uint8_t following[ARCH_MAX_JUMP];
	struct trampoline_hole holes[SURROUNDINGS_HOLES];
	uint8_t hole_bytes[SURROUNDINGS_HOLES][SURROUNDINGS_HOLE_SIZE];
	uintptr_t labels[SURROUNDINGS_LABELS];
};

/*
 * Fills in what target lacks besides its name and code: following, holes, entries. They point into
 * *out, which must outlive target. More labels than fit are BAD_PATCH_FILE.
 */
int surroundings_read(const struct site_table *sites, const struct code_writer *writer,
		      const struct patch *patch, const struct format_function *function,
		      struct trampoline_target *target, struct surroundings *out,
		      struct suture_error *err);

#endif
