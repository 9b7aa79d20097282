/* SPDX-License-Identifier: MIT */
/* The line to an agent: finding its socket, the greeting, calls. */
#ifndef CLI_LINK_H
#define CLI_LINK_H

#include "cli/process.h"
#include "rpc/client.h"

struct link {
	struct rpc_client client;
	char path[108];	  /* of the socket */
	int64_t protocol; /* what both sides speak */
	char agent[32];	  /* the agent's version */
	bool hung_up;	  /* the agent, without a word */
};

/*
 * Finds the agent of a process and greets it. NO_AGENT when nobody listens. The socket's owner
 * must be that very process: a name under /tmp proves nothing.
 */
int link_open(struct link *link, const struct process *process, struct suture_error *err);

/* By the socket's path. *process tells whose it is. */
int link_open_socket(struct link *link, const char *path, struct process *process,
		     struct suture_error *err);

void link_close(struct link *link);

/* rpc_client_call() with a sentence about what the agent was asked when it fails half way. */
int link_call(struct link *link, const struct rpc_client_call *call, struct json_object **result,
	      struct json_object **details, struct suture_error *err);

#endif
