/* SPDX-License-Identifier: MIT */
/* The calling end: one connection, one call at a time, blocking up to a deadline. */
#ifndef RPC_CLIENT_H
#define RPC_CLIENT_H

#include "rpc/json.h"
#include "rpc/lines.h"

#include <sys/socket.h>

struct rpc_client {
	int fd;
	struct rpc_lines lines;
	int64_t last_id;
	struct ucred peer; /* who listens, in our PID namespace */
};

/*
 * Connects. NO_AGENT: nobody listens there. PERMISSION: not for us. timeout_ms bounds the wait for
 * a listener whose queue is full.
 */
int rpc_client_open(struct rpc_client *client, const char *path, unsigned timeout_ms,
		    struct suture_error *err);
void rpc_client_close(struct rpc_client *client);

struct rpc_client_call {
	const char *method;
	struct json_object *params; /* an object or NULL; stays the caller's */
	int fd;			    /* sent along, or -1; stays the caller's */
	uint64_t timeout_us;	    /* for the whole call */
	void (*notified)(void *context, const char *method,
			 struct json_object *params); /* or NULL */
	void *context;
};

/*
 * Calls and waits. On success *result is the caller's (NULL for null). On failure err is the
 * agent's, and *details (if details isn't NULL) its data object, the caller's, or NULL. TIMEOUT: no
 * answer in time, the call may still be carried out. UNCERTAIN: the connection ended before the
 * answer. After either the connection can only be closed.
 */
int rpc_client_call(struct rpc_client *client, const struct rpc_client_call *call,
		    struct json_object **result, struct json_object **details,
		    struct suture_error *err);

#endif
