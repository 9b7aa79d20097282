/* SPDX-License-Identifier: MIT */
/*
 * Applying what is installed for the modules of this process (patch/installed.h), in its order. One
 * that can't be applied is reported and does not keep the others out, except those built on it.
 */
#ifndef AGENT_RESTORE_H
#define AGENT_RESTORE_H

#include "agent/transaction.h"

#include <json-c/json.h>

/*
 * Is anything kept for a module of this process, or for a library that it may load, as far as a
 * look at folders tells? Any thread.
 */
bool restore_is_due(void);

/*
 * Worker. who: asked for it, or NULL at a start. *answer (owned by the caller) says what came of
 * each, also on failure; agent->restored keeps a copy for status and list. The error is that of the
 * first that was refused or set aside.
 */
int restore_run(struct agent *agent, const struct transaction_options *options,
		const struct event_actor *who, struct json_object **answer,
		struct suture_error *err);

/*
 * Worker. The same for modules that came since, once for each build, where there was a
 * restore_run() before: their patches are pending then, and due. Costs nothing while no module has
 * come.
 */
void restore_look(struct agent *agent);

#endif
