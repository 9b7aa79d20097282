/* SPDX-License-Identifier: MIT */
/*
 * Types whose layout is allowed to change (--accept-layout): each needs the author's migration, and
 * no thread may be inside a function that uses one while the objects move.
 */
#ifndef BUILDER_ACCEPT_H
#define BUILDER_ACCEPT_H

#include "session.h"

/* Completes the session's migrations and idle set. After author_read(). */
int accept_find(struct session *session);

#endif
