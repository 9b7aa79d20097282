/* SPDX-License-Identifier: MIT */
/*
 * A mark in the memory of a library that a patch has changed data of: it tells whether the library
 * was unloaded and loaded again at the same place meanwhile, which values can't tell (the program
 * may have set the old one itself). A new mapping does not have it.
 *
 * It lies in the padding of the ELF header, which nobody reads in memory, and is written and taken
 * out in the commit that writes the data and puts it back.
 *
 * Threads: the worker.
 */
#ifndef AGENT_MARK_H
#define AGENT_MARK_H

#include "agent/plan.h"

/* The edits by which those libraries are marked that will have changed data. */
int mark_plan(struct plan *plan, struct suture_error *err);

/* Has a patch in force changed data of that module of it, of which a new mapping is there now? */
bool mark_is_missing(const struct agent *agent, const struct patch *patch, size_t module);

#endif
