/* SPDX-License-Identifier: MIT */
/*
 * What the changed functions need: all that the patch has to carry along with them, and whether
 * each reference of that can be bound.
 */
#ifndef BUILDER_NEEDS_H
#define BUILDER_NEEDS_H

#include "session.h"

/* Marks the sections of P that the patch carries. After change_find(). */
int needs_close(struct session *session);

#endif
