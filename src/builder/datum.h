/* SPDX-License-Identifier: MIT */
/*
 * Data whose initial contents change. Writable: refused unless decided. Constant and of the same
 * size: changed in place, its readers idle. Constant of another size: its readers change and use a
 * new one.
 */
#ifndef BUILDER_DATUM_H
#define BUILDER_DATUM_H

#include "session.h"

/* What the user decided for the variable, or NULL. */
const struct core_data_decision *datum_decision(const struct session *session,
						const struct part *part);

int datum_find(struct session *session, struct unit *unit);

#endif
