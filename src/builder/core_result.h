/* SPDX-License-Identifier: MIT */
/* What the caller of the core is told: copied out of the session, which ends before. */
#ifndef BUILDER_CORE_RESULT_H
#define BUILDER_CORE_RESULT_H

#include "session.h"

/* Owns the texts of a result, and those of results that were joined to it. */
struct core_texts {
	struct arena arena;
	struct core_texts *next; /* owned */
};

/* Functions, data, idle functions, hooks and migrations of the session, into session->result. */
int core_result_fill(struct session *session);

#endif
