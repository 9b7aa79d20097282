/* SPDX-License-Identifier: MIT */
/* The command `threads`: who is where, and would be in the way of a patch. */
#ifndef AGENT_THREADS_H
#define AGENT_THREADS_H

#include "agent/server.h"

/* Of struct server_command; its context is the struct agent. Runs on the worker. */
int threads_run(struct server_call *call, struct json_object *params, int fd,
		struct json_object **result, struct suture_error *err);

#endif
