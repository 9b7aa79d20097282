/* SPDX-License-Identifier: MIT */
/* The processes that a TARGET means, each with the line to its agent. */
#ifndef CLI_GROUP_H
#define CLI_GROUP_H

#include "cli/cli.h"
#include "cli/link.h"

/* One process and what came of it. */
struct subject {
	struct process process;
	struct link link;
	bool linked;
	bool late;	/* born since the command began */
	bool untouched; /* it failed, with nothing done to the process */
	bool undone;	/* it was changed, and that was taken back, or tried */
	uint64_t done;	/* process_now() after it was changed last; 0: it was not */
	int exit_code;
	struct json_object *answer;  /* owned; on success */
	struct json_object *details; /* owned; of the error */
	struct suture_error err;     /* code SUTURE_OK on success */
};

struct group {
	struct subject *subjects; /* owned */
	size_t count;
	bool many;	/* present as a list */
	uint64_t since; /* process_now() before they were looked for */
};

/* However many are born meanwhile, an end is made. */
enum { GROUP_ROUNDS = 8 };

enum group_kind {
	GROUP_ADOPTED, /* children that inherited an agent are given their own */
	GROUP_AS_IT_IS,
	GROUP_WHOLE, /* as it is; with --tree also those without an agent */
};

/*
 * Finds and greets them; those without an agent are in it with their error, but for --all and
 * --tree. group_fini() in every case.
 */
int group_find(const struct cli *cli, enum group_kind kind, struct group *group,
	       struct suture_error *err);
void group_fini(struct group *group);

/*
 * A family changes meanwhile: workers end, others are forked. group_extend() adds, as group_find()
 * would, those that were born since they were looked for, and not of one that was changed by then:
 * they inherit that. Without memory, none.
 * group_drop_ended() takes one out that has ended, which is no failure; but never the last.
 */
void group_extend(const struct cli *cli, enum group_kind kind, struct group *group);
bool group_drop_ended(struct group *group, size_t index);

/*
 * Forked while its parent was being changed: its agent can't be started, and which code it runs
 * does not depend on what is done to the others.
 */
bool group_is_stillborn(const struct subject *subject);

/*
 * One that serves a single connection ends soon, and then it is no trouble: waits for those to
 * end, for that long at most, and takes out who did. NULL when none is left, else the one that is
 * waited for.
 */
const struct subject *group_await_stillborn(struct group *group, uint64_t timeout_us);

#endif
