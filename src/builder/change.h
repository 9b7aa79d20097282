/* SPDX-License-Identifier: MIT */
/*
 * What goes into the patch: functions whose code differs, data that changes, and what these need.
 * Fills session->result's lists of functions, data and idle functions, and its refusals.
 */
#ifndef BUILDER_CHANGE_H
#define BUILDER_CHANGE_H

#include "session.h"

/* Compares all units and marks what changed; data first, since readers depend on it. */
int change_find(struct session *session);

/* Marks the sections of P that the patch carries. After change_find(). */
int change_close(struct session *session);

/* True when there is anything to put into a patch. */
bool change_any(const struct session *session);

#endif
