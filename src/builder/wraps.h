/* SPDX-License-Identifier: MIT */
/*
 * Names that the linker leads elsewhere, by --wrap: where an object leaves `read` open,
 * `__wrap_read` is meant, and `read` by `__real_read`. The binary does not say which names were;
 * the proof of units that use them does. What is shown is written into the objects, so that all
 * that comes later goes by the names that count.
 */
#ifndef BUILDER_WRAPS_H
#define BUILDER_WRAPS_H

#include "session.h"

/* After the proof of all units, before anything is compared. Refuses where units disagree. */
int wraps_settle(struct session *session);

/* Writes the names that count into an object that was read later. */
int wraps_apply(struct session *session, struct object *object);

/* The binary has a __wrap_ function for the name, and nothing shows whether it is wrapped. */
bool wraps_unclear(const struct session *session, const char *name);

#endif
