/* SPDX-License-Identifier: MIT */
/*
 * The builds whose installed patches have been looked for in this process, so that a module that
 * comes later gets them once: what was taken out since, or refused, stays out. Worker.
 */
#ifndef AGENT_BUILDS_H
#define AGENT_BUILDS_H

#include "patch/installed.h"

#include <stdbool.h>
#include <stdint.h>

struct builds {
	char (*ids)[INSTALLED_ID_TEXT]; /* owned */
	size_t count;
	bool wanted;	     /* installed patches have been asked for here */
	uint64_t generation; /* of the modules, when they were last looked at */
};

/* True: it was not noted before. False as well where there is no memory. */
bool builds_note(struct builds *builds, const char *id);
void builds_fini(struct builds *builds);

#endif
