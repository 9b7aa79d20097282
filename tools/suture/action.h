/* SPDX-License-Identifier: MIT */
/*
 * A command carried out on each process of its TARGET, and its presentation: one answer in words,
 * a row per process for several, or JSON.
 */
#ifndef CLI_ACTION_H
#define CLI_ACTION_H

#include "cli/group.h"

struct action {
	const char *method;
	struct json_object *params; /* borrowed */
	int fd;			    /* sent along, or -1 */
	uint64_t timeout_us;	    /* of the call, without the grace for the way */
	bool changes;		    /* an answer that never came leaves the state unknown */
	bool tells_state;	    /* errors say that the process was not changed */
	bool check_first;	    /* several: ask "check" of all before the first is changed */
	bool undo;	    /* several: if one fails, revert where it was applied just now */
	bool follows;	    /* several: also those that are born while it goes on */
	enum group_kind of; /* which processes, and what is done for them first */
	/* Instead of calling method; of processes without an agent as well. NULL: that call. */
	void (*perform)(const struct cli *cli, const struct action *action,
			struct subject *subject);
	/* Exit code of an answer that is no error; NULL: 0. */
	int (*judge)(struct json_object *answer);
	/* Adds what scripts rely on to the JSON document of a process that failed; or NULL. */
	void (*complete)(const struct subject *subject, struct json_object *document);
	/* After success, for what takes longer than the call; may set an error. NULL: nothing. */
	void (*settle)(const struct cli *cli, const struct action *action, struct subject *subject);
	/* In words, for however many: instead of the two below. */
	void (*show_all)(const struct cli *cli, const struct group *group);
	/* In words, to stdout: all of it for one process, and one line for the table of several. */
	void (*show)(const struct cli *cli, const struct subject *subject);
	void (*brief)(const struct subject *subject, char *text, size_t size);
};

/* Does it all; returns the exit code. prepare, if not NULL, runs once the processes are known. */
int action_run(struct cli *cli, struct action *action,
	       int (*prepare)(struct cli *cli, struct action *action, struct suture_error *err));

/* One call to one process: its answer, or its error. */
void action_call(const struct cli *cli, const struct action *action, const char *method,
		 struct subject *subject);

#endif
