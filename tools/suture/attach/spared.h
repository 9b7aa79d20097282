/* SPDX-License-Identifier: MIT */
/*
 * A program that confines itself may put a seccomp filter over all its threads after its agent
 * began, and what the agent is asked then kills the program. Looked at before it is asked.
 */
#ifndef ATTACH_SPARED_H
#define ATTACH_SPARED_H

#include "cli/process.h"

/* 0, also where that can't be seen: filters are read by root only. UNSUPPORTED. */
int spared_check(const struct process *process, struct suture_error *err);

#endif
