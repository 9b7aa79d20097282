/* SPDX-License-Identifier: MIT */
/*
 * What stands in front of the compiler in a command: ccache, libtool, env, VAR=VALUE, … It is taken
 * off; what it does to the compiler's surroundings is kept.
 */
#ifndef BUILDER_WRAPPER_H
#define BUILDER_WRAPPER_H

#include "builder/strings.h"

#include <stdbool.h>
#include <stddef.h>

struct wrapper {
	size_t compiler; /* its index among the words: all before it is the wrapper's */
	bool libtool;	 /* it is libtool that compiles */
	/* Done to the environment, as process_job has it: VAR=VALUE, VAR, "-". */
	struct strings environment;
	char *directory; /* owned: where env -C goes, as written; or NULL */
};

/* False when out of memory. */
bool wrapper_read(struct wrapper *wrapper, const struct strings *words);
void wrapper_fini(struct wrapper *wrapper);

/*
 * The compiler's path where the wrapper decides about PATH, seen from the folder; its name as
 * written in all other cases. NULL when out of memory. Caller frees.
 */
char *wrapper_find(const struct wrapper *wrapper, const char *name, const char *directory);

#endif
