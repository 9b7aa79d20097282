/* SPDX-License-Identifier: MIT */
/*
 * The agent: what it knows about its process. One per process, never destroyed.
 *
 * Transactions run one at a time on the server's worker thread; commands that only read run on
 * the agent's thread meanwhile. `lock` guards what both look at and is held for moments: never
 * during a stop, nor around anything that may wait.
 */
#ifndef AGENT_AGENT_H
#define AGENT_AGENT_H

#include "agent/builds.h"
#include "agent/dispatch.h"
#include "agent/events.h"
#include "agent/islands.h"
#include "agent/modules.h"
#include "agent/pauses.h"
#include "agent/site.h"
#include "image/image.h"
#include "unwind/unwind.h"

#include <pthread.h>
#include <stdatomic.h>

struct agent {
	/* A transaction is under way. Set by the worker, read by a fork()'s child: its copy of what
	 * follows may then be half of two states. */
	atomic_bool changing;

	/* Belong to the worker alone. */
	struct site_table sites;
	struct near_memory near;
	struct code_writer writer;
	struct unwind_table *unwind; /* of the last transaction; rows are shared with the next */
	struct islands islands;
	struct dispatch_table dispatches;
	struct builds builds;
	struct modules_watch watch; /* says itself what belongs to whom */

	pthread_mutex_t
		lock; /* guards the fields below and those of struct patch marked (locked) */
	struct patch *patches;	 /* newest first; all that are mapped, or wait to be */
	struct pending *pending; /* those that wait, oldest first */
	struct retired *retired; /* code that nothing leads to any more */
	unsigned applied;	 /* how many are applied */
	unsigned next_order;
	struct pauses pauses;
	char last_rung[16];
	struct confirm *confirms;     /* newest first; confirm.h */
	struct json_object *restored; /* owned; what came of the last restore, or NULL; restore.h */

	struct events events; /* has locks of its own */
};

/* Opens the writer and checks what the system permits. The caller zeroes agent first. */
int agent_init(struct agent *agent, struct suture_error *err);

/*
 * In the child of a fork(): patches and sites are as in the parent, but the writer's descriptor
 * still means the parent's memory and is replaced. UNCERTAIN where the fork() fell into a
 * transaction.
 */
int agent_adopt(struct agent *agent, struct suture_error *err);

/* For tests: gives everything back, though patches may be in force. */
void agent_fini(struct agent *agent);

/*
 * A patch's mapping that its module left behind. It stays: somebody may have kept a pointer into
 * it.
 */
struct retired {
	struct load load;
	struct patch_counter *counters; /* owned; stubs count here */
	struct retired *next;
};

/* The applied patch of that name, or NULL; then one that waits, then any other of that name.
 * Worker, or under lock. */
struct patch *agent_find(const struct agent *agent, const char *name);
struct patch *agent_find_hash(const struct agent *agent, const uint8_t hash[FORMAT_HASH_SIZE]);

/* Brings agent->unwind up to date with what is loaded. Plan phase, worker. */
int agent_refresh_unwind(struct agent *agent, struct suture_error *err);

#endif
