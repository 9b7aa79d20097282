/* SPDX-License-Identifier: MIT */
/*
 * What the stop's unwinder has to know of islands: a thread may be found in one on its way into an
 * original. A displaced call in an island pushes the return address that it had in the function, so
 * that no return address ever lies in an island, and libgcc's unwinder (exceptions, backtrace())
 * meets none: nothing is registered there. Or in the stub of a scoped patch, as if at the entry.
 *
 * Threads: the worker.
 */
#ifndef AGENT_ISLANDS_H
#define AGENT_ISLANDS_H

#include "agent/dispatch.h"
#include "agent/site.h"
#include "unwind/unwind.h"

struct islands {
	struct unwind_moved *moved; /* owned, by rising start */
	size_t count;
	size_t waits; /* of count, where threads wait before an entry (trampoline/waiting.h) */
	bool stale;   /* sites were changed since */
};

/*
 * Brings it up to date with the sites, and with where threads may wait. The former array must not
 * be in use by a stop.
 */
int islands_refresh(struct islands *islands, const struct site_table *sites,
		    const struct dispatch_table *dispatches, const struct near_memory *near,
		    struct suture_error *err);
void islands_fini(struct islands *islands);

#endif
