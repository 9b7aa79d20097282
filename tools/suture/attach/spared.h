/* SPDX-License-Identifier: MIT */
/*
 * A program that confines itself may put a seccomp filter over all its threads after its agent
 * began, and what the agent is asked then kills the program. Looked at before it is asked.
 */
#ifndef ATTACH_SPARED_H
#define ATTACH_SPARED_H

#include "cli/process.h"

/*
 * UNSUPPORTED: it would be killed; or, for others than root, who can't read filters, that it has
 * more of them than when its agent began. 0 also where neither can be seen.
 */
int spared_check(const struct process *process, struct suture_error *err);

#endif
