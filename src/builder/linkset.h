/* SPDX-License-Identifier: MIT */
/*
 * Sets that the linker collects: sections named like a C identifier, which code reads from
 * __start_NAME to __stop_NAME. The running program has its set, and a patch can't add to it or take
 * from it.
 */
#ifndef BUILDER_LINKSET_H
#define BUILDER_LINKSET_H

#include "session.h"

/* Adds a refusal for each set that has more or fewer entries in P than in O. After pairing. */
void linkset_check(struct session *session, const struct unit *unit);

#endif
