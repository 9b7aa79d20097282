/* SPDX-License-Identifier: MIT */
/*
 * Variables whose type has a layout that the gate refused: that their bytes or size differ has its
 * cause there, and is no refusal of its own.
 */
#ifndef BUILDER_RELAID_H
#define BUILDER_RELAID_H

#include "session.h"

/* Marks those of P. */
int relaid_mark(struct session *session, struct unit *unit);

#endif
