/* SPDX-License-Identifier: MIT */
/*
 * Data whose initial contents change. Writable: refused unless decided. Constant and of the same
 * size: changed in place, its readers idle. Constant of another size: its readers change and use a
 * new one.
 */
#ifndef BUILDER_DATUM_H
#define BUILDER_DATUM_H

#include "session.h"

int datum_find(struct session *session, struct unit *unit);

#endif
