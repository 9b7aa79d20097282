/* SPDX-License-Identifier: MIT */
/*
 * Patches that take themselves out again unless somebody confirms them (apply with
 * "confirm_within_us"). The timer is the agent's: it needs neither the client that asked nor its
 * session. Falling due means a revert, tried again while threads are in the way; what the patch had
 * replaced comes back with it.
 *
 * Threads: a transaction arms a timer on the worker, which also carries out what is due;
 * confirm_accept() and those who only look run on the agent's thread. agent->lock guards the list.
 */
#ifndef AGENT_CONFIRM_H
#define AGENT_CONFIRM_H

#include "agent/transaction.h"

#include <json-c/json.h>

enum { CONFIRM_LEAST_US = 100 * 1000 };

enum confirm_state {
	CONFIRM_PENDING,   /* waits for somebody to confirm */
	CONFIRM_OVERDUE,   /* nobody did; it is being taken out, and can't be confirmed any more */
	CONFIRM_CONFIRMED, /* stays */
	CONFIRM_LOST,	   /* its module was unloaded; what it had replaced is to come back */
	CONFIRM_REVERTED,  /* was taken out */
	CONFIRM_STUCK,	   /* taking it out made the state uncertain: nothing more is tried */
};

/* One that waited for its module, and no longer did when the successor came. */
struct confirm_dropped {
	struct patch *patch;
	bool count;
};

struct confirm {
	struct patch *patch;
	/* Which time that it was applied: it may have been reverted and applied anew since. */
	struct timespec applied_at;
	enum confirm_state state;
	uint64_t due_us;    /* CLOCK_MONOTONIC: the next time that something is to be done */
	uint64_t within_us; /* as it was asked for */
	unsigned attempts;
	/* Owned: what it took out and is to come back, in the order of their application. */
	struct patch **replaced;
	size_t replaced_count;
	struct confirm_dropped *dropped; /* owned: those are to wait again */
	size_t dropped_count;
	/* Owned, from confirm_prepare() to confirm_arm(): what was applied before it. */
	struct patch **before;
	size_t before_count;
	struct confirm *next;
};

/*
 * Before an apply: memory for its timer, and what may be replaced. *confirm is for confirm_arm() or
 * confirm_discard().
 */
int confirm_prepare(struct agent *agent, uint64_t within_us, struct confirm **confirm,
		    struct suture_error *err);
void confirm_discard(struct confirm *confirm);

/* After the switch: the time begins. Takes over confirm. Can't fail. */
void confirm_arm(struct agent *agent, struct confirm *confirm, struct patch *patch);

/* DEPENDENCY if the file is built on a patch that is not confirmed, and may go at any moment. */
int confirm_admits(struct agent *agent, const struct patch_file *file, bool replace,
		   struct suture_error *err);

/*
 * The patch stays. *changed is false where it would have anyway. NOT_CONFIRMED where it is too
 * late, AGENT_BUSY while it is being taken out, NOT_APPLIED.
 */
int confirm_accept(struct agent *agent, const char *name, bool *changed, char hash[65],
		   struct suture_error *err);

/*
 * A patch was taken out since its module was unloaded. True: it was not confirmed, and does not
 * wait for the next time; confirm_settle() brings back what it had replaced. Worker.
 */
bool confirm_lost(struct agent *agent, struct patch *patch);
void confirm_settle(struct agent *agent);

/* When something is to be done (us of CLOCK_MONOTONIC), UINT64_MAX: never. Any thread. */
uint64_t confirm_due(struct agent *agent);

/* Does it. Worker. */
void confirm_run(struct agent *agent);

/* Under agent->lock: the entry of a patch as it is applied now, or of how it went; or NULL. */
const struct confirm *confirm_of(const struct agent *agent, const struct patch *patch);

/* Under agent->lock: one that waits, or is being taken out; NULL: none. */
const struct confirm *confirm_open(const struct agent *agent);

/* Under agent->lock. {"state","by","left_us","attempts"}; NULL where there is nothing to confirm.
 */
struct json_object *confirm_json(const struct agent *agent, const struct patch *patch);

/* Forgets all. For tests. */
void confirm_fini(struct agent *agent);

#endif
