/* SPDX-License-Identifier: MIT */
/* Processes that can't be given an agent, or must not be, told before anything is touched. */
#ifndef ATTACH_REFUSE_H
#define ATTACH_REFUSE_H

#include "cli/process.h"

int attach_refuse(const struct process *process, struct suture_error *err);

/* Its agent could neither write code nor stop a thread. */
int attach_refuse_undumpable(const struct process *process, struct suture_error *err);

#endif
