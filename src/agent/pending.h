/* SPDX-License-Identifier: MIT */
/*
 * Patches that wait: for a module that is not loaded, or for a patch that waits itself. They are
 * put in when what they wait for is there, oldest first.
 *
 * Threads: the worker; what is marked (locked) is read by others under the agent's lock.
 */
#ifndef AGENT_PENDING_H
#define AGENT_PENDING_H

#include "agent/transaction.h"

enum { PENDING_TEXT = 256 };

/* For people, about a patch that was put in as soon as its module was noticed. */
#define PENDING_LATE "constructors of its module had run already, with the old code"

struct pending {
	struct patch *patch;
	struct transaction_options options; /* it was asked for with these */
	uint64_t generation;		    /* of the modules, when it was last tried */
	uint64_t again_at;	    /* us: when to try again though nothing has changed; or 0 */
	unsigned tries;		    /* in vain, for reasons that pass */
	char waits[PENDING_TEXT];   /* (locked) the name of a module or patch, or "" */
	char problem[PENDING_TEXT]; /* (locked) what went wrong at the last try, or "" */
	bool again;		    /* (locked) that passes: it is tried again by itself */
	struct pending *next;	    /* (locked) */
};

/*
 * From now on patch, which is on the agent's list, waits; generation is that of the modules before
 * they were looked at. What it waits for, a name. Its state becomes PENDING.
 */
int pending_keep(struct agent *agent, struct patch *patch,
		 const struct transaction_options *options, uint64_t generation, const char *waits,
		 struct suture_error *err);

/* It waits no longer: it was put in, or is not wanted. The state is the caller's affair. */
void pending_drop(struct agent *agent, const struct patch *patch);

/* (locked) NULL where it does not wait. */
const struct pending *pending_find(const struct agent *agent, const struct patch *patch);

/* Tries those for which something has changed, or whose time has come. */
void pending_settle(struct agent *agent);

/*
 * What there is to do when modules have come or gone: patches in those that went are taken out and
 * wait (gone.h), patches that wait are put in. Sets what modules_due() goes by.
 */
void pending_look(struct agent *agent);

void pending_fini(struct agent *agent);

#endif
