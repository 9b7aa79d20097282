/* SPDX-License-Identifier: MIT */
/*
 * Sources that are otherwise than the user's tree has them: as the binary was built from, or as the
 * patches below make them. Texts without #line directives, and the number of each line beside them.
 */
#ifndef BUILDER_STATE_H
#define BUILDER_STATE_H

#include "builder/numbers.h"

struct state_file {
	char *path; /* owned, absolute */
	char *text; /* owned; NULL: there is no such file */
	size_t size;
	struct numbers numbers; /* of its lines; empty: as the text says */
};

struct state {
	struct state_file *list; /* owned */
	size_t count;
};

/* The file at that path, or NULL: it is as in the tree. */
const struct state_file *state_find(const struct state *state, const char *path);

/* The file is like that from now on; all is copied. numbers may be NULL. */
int state_set(struct state *state, const char *path, const char *text, size_t size,
	      const struct numbers *numbers, struct suture_error *err);

int state_copy(const struct state *from, struct state *to, struct suture_error *err);
void state_fini(struct state *state);

#endif
