/* SPDX-License-Identifier: MIT */
/*
 * What a patch is made for: functions whose code differs, and data that changes.
 * Fills session->result's lists of functions, data and idle functions, and its refusals.
 */
#ifndef BUILDER_CHANGE_H
#define BUILDER_CHANGE_H

#include "session.h"

/* Compares all units and marks what changed; data first, since readers depend on it. */
int change_find(struct session *session);

/* True when there is anything to put into a patch. */
bool change_any(const struct session *session);

#endif
