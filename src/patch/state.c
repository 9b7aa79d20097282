/* SPDX-License-Identifier: MIT */
/* The table of legal transitions. */
#include "patch/state.h"

static const struct {
	const char *name;
	bool to[PATCH_STATE_COUNT];
} states[PATCH_STATE_COUNT] = {
	[PATCH_LOADED] = {"loaded", {[PATCH_APPLYING] = true, [PATCH_PENDING] = true}},
	[PATCH_PENDING] =
		{"pending",
		 {
			 [PATCH_APPLYING] = true, [PATCH_REVERTED] = true, /* not wanted any more */
		 }},
	[PATCH_APPLYING] = {"applying",
			    {
				    [PATCH_APPLIED] = true,
				    [PATCH_LOADED] = true,   /* given up: it never ran */
				    [PATCH_PENDING] = true,  /* given up for now */
				    [PATCH_REVERTED] = true, /* given up, but it had run before */
				    [PATCH_BROKEN] = true,
			    }},
	[PATCH_APPLIED] = {"applied", {[PATCH_REVERTING] = true}},
	[PATCH_REVERTING] = {"reverting",
			     {
				     [PATCH_REVERTED] = true,
				     [PATCH_APPLIED] = true, /* given up */
				     [PATCH_BROKEN] = true,
			     }},
	[PATCH_REVERTED] = {"reverted", {[PATCH_APPLYING] = true, [PATCH_PENDING] = true}},
	[PATCH_BROKEN] = {"broken", {false}},
};

const char *patch_state_name(enum patch_state state)
{
	return state < PATCH_STATE_COUNT ? states[state].name : "unknown";
}

bool patch_state_legal(enum patch_state from, enum patch_state to)
{
	return from < PATCH_STATE_COUNT && to < PATCH_STATE_COUNT && states[from].to[to];
}
