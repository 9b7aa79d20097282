/* SPDX-License-Identifier: MIT */
/* States of a patch in a process, and which may follow which. */
#ifndef PATCH_STATE_H
#define PATCH_STATE_H

#include <stdbool.h>

enum patch_state {
	PATCH_LOADED,	/* mapped and bound; no jump leads to it yet */
	PATCH_PENDING,	/* wanted, but a module is not loaded; nothing of it is in force */
	PATCH_APPLYING, /* a commit is under way */
	PATCH_APPLIED,
	PATCH_REVERTING, /* a commit is under way */
	PATCH_REVERTED,	 /* mapped for good; may be applied again */
	PATCH_BROKEN,	 /* undoing failed: nothing may be done with it any more */
	PATCH_STATE_COUNT,
};

/* "applied". Static storage; scripts rely on these names. */
const char *patch_state_name(enum patch_state state);

bool patch_state_legal(enum patch_state from, enum patch_state to);

#endif
