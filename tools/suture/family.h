/* SPDX-License-Identifier: MIT */
/* Processes that belong together: a server and the children that it forked. */
#ifndef CLI_FAMILY_H
#define CLI_FAMILY_H

#include "cli/action.h"

/*
 * A forked child inherits the agent and its patches, but nobody who serves. Starts the agent there
 * if the process is such a child, and connects. NO_AGENT, with nothing touched, for any other.
 */
int family_adopt(struct link *link, const struct process *process, struct suture_error *err);

/*
 * After an apply to all: if one failed, the patch is reverted where it was put in just now, and in
 * those who were forked with it; they get an error that says so. UNCERTAIN where that did not work.
 */
void family_undo(const struct cli *cli, const struct action *action, struct group *group);

#endif
