/* SPDX-License-Identifier: MIT */
/*
 * The idle set of a transaction: code that no thread may be inside at the switch. Functions being
 * replaced and their parts elsewhere, what the patch asks for besides, the versions of other
 * patches that are being covered, and, when a patch goes, all of its code.
 */
#ifndef AGENT_IDLE_H
#define AGENT_IDLE_H

#include "agent/plan.h"

/* Fills plan->busy: sorted, disjoint. After the sites are planned. */
int idle_build(struct plan *plan, struct suture_error *err);

/* One more range, before idle_build() sorts. site: where a gate may hold who enters, or 0. */
int idle_add(struct plan *plan, uintptr_t start, size_t size, uintptr_t site, const char *name,
	     struct suture_error *err);

#endif
