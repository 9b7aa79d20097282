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

#endif
