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
	int exit_code;
	struct json_object *answer;  /* owned; on success */
	struct json_object *details; /* owned; of the error */
	struct suture_error err;     /* code SUTURE_OK on success */
};

struct group {
	struct subject *subjects; /* owned */
	size_t count;
	bool many; /* present as a list */
};

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

#endif
