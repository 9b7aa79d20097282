/* SPDX-License-Identifier: MIT */
/* Commands that only ask: no options of their own, no operands, a TARGET. */
#ifndef CLI_QUERY_H
#define CLI_QUERY_H

#include "cli/action.h"

enum { QUERY_TIMEOUT_US = 10000000 };

/* Parses, asks action->method of each process, presents. prepare as in action_run(). */
int query_run(struct cli *cli, struct action *action,
	      int (*prepare)(struct cli *cli, struct action *action, struct suture_error *err),
	      int argc, char **argv);

/* Options of such a command, to stdout. */
void query_help(const char *name);

#endif
