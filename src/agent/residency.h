/* SPDX-License-Identifier: MIT */
/*
 * Who is still in old code. A commit sees to it that nobody is; this looks, after it, so that an
 * operator who asked for a count need not believe it. Worker, retire phase.
 */
#ifndef AGENT_RESIDENCY_H
#define AGENT_RESIDENCY_H

#include "agent/plan.h"

/*
 * How many threads have a frame in what a committed plan replaced, -1 where that can't be looked at
 * now. Threads are held for a moment, which goes into *stopped.
 */
long residency_look(const struct plan *plan, struct stop_result *stopped);

#endif
