/* SPDX-License-Identifier: MIT */
/* Reaching agents; see link.h. */
#include "cli/link.h"

#include "base/error.h"
#include "cli/attach/spared.h"
#include "cli/identity.h"
#include "rpc/address.h"
#include "rpc/protocol.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LINK_CONNECT_MS = 5000, LINK_GREETING_US = 5000000 };

static int greet(struct link *link, struct suture_error *err)
{
	struct rpc_client_call call = {.method = "hello", .fd = -1, .timeout_us = LINK_GREETING_US};
	struct json_object *params = json_object_new_object(), *result = NULL;
	int64_t oldest;
	int rc;

	rpc_json_add(params, "protocol", json_object_new_int(RPC_PROTOCOL_VERSION));
	rpc_json_add(params, "client", rpc_json_string("suture " SUTURE_VERSION));
	call.params = params;
	rc = rpc_client_call(&link->client, &call, &result, NULL, err);
	json_object_put(params);
	if (rc) {
		link->hung_up = err->code == SUTURE_E_UNCERTAIN;
		/* Nothing was asked of it yet: nothing can be half done. */
		if (err->code == SUTURE_E_UNCERTAIN || err->code == SUTURE_E_TIMEOUT)
			rc = error_set(err, SUTURE_E_AGENT_BUSY, "%s: the agent does not answer",
				       link->path);
		return rc;
	}
	link->protocol = rpc_json_get_int(result, "protocol", 0);
	oldest = rpc_json_get_int(result, "oldest", link->protocol);
	snprintf(link->agent, sizeof(link->agent), "%s", rpc_json_get_string(result, "agent", "?"));
	json_object_put(result);
	if (link->protocol < RPC_PROTOCOL_OLDEST || oldest > RPC_PROTOCOL_VERSION) {
		error_set(err, SUTURE_E_UNSUPPORTED,
			  "agent %.31s speaks protocol %lld, this suture %d to %d", link->agent,
			  (long long)link->protocol, RPC_PROTOCOL_OLDEST, RPC_PROTOCOL_VERSION);
		return error_next(err, "use the suture of the agent's release");
	}
	if (link->protocol > RPC_PROTOCOL_VERSION)
		link->protocol = RPC_PROTOCOL_VERSION;
	return 0;
}

static int open_path(struct link *link, const char *path, struct suture_error *err)
{
	int rc;

	*link = (struct link){.client = {.fd = -1}};
	rc = rpc_client_open(&link->client, path, LINK_CONNECT_MS, err);
	if (!rc)
		snprintf(link->path, sizeof(link->path), "%s", path);
	else if (rc == -(int)SUTURE_E_USAGE)
		error_next(err, "a socket's path has at most 107 bytes");
	return rc;
}

/* One try at one place. NO_AGENT: nobody there, or not the process that was meant. */
static int reach(struct link *link, const char *path, pid_t pid, struct suture_error *err)
{
	int rc = open_path(link, path, err);

	if (rc)
		return rc;
	if (link->client.peer.pid != pid)
		rc = error_set(err, SUTURE_E_NO_AGENT, "%s belongs to pid %d", path,
			       (int)link->client.peer.pid);
	else
		rc = greet(link, err);
	if (rc)
		link_close(link);
	return rc;
}

/*
 * All places of one owner. 0: connected; NO_AGENT: nobody there; else why the first that answered
 * at all did not serve.
 */
static int try_places(struct link *link, const struct rpc_owner *owner, pid_t pid,
		      struct suture_error *err)
{
	char path[RPC_PATH_SIZE];
	int rc = error_set(err, SUTURE_E_NO_AGENT, "no agent");

	for (unsigned i = 0; rpc_place(owner, i, path); i++) {
		rc = reach(link, path, pid, err);
		/* It may have been told to detach just then: if so, nobody is there any more. */
		if (rc && link->hung_up)
			rc = reach(link, path, pid, err);
		if (rc != -(int)SUTURE_E_NO_AGENT)
			return rc;
	}
	return rc;
}

/*
 * Where the agent of a process may be: where this shell's SUTURE_SOCKET and its own say, then the
 * places of its user and of root (it may have been root when it started).
 */
static int try_owners(struct link *link, const struct process *process, struct suture_error *err)
{
	char own_socket[PROCESS_ENV_SIZE], runtime[PROCESS_ENV_SIZE], root[32] = "";
	struct rpc_owner owner = {.pid = process->inner_pid, .uid = process->inner_uid};
	const char *ours = getenv("SUTURE_SOCKET");
	char users[64];
	int rc = -(int)SUTURE_E_NO_AGENT;

	snprintf(users, sizeof(users), "/proc/%d/ns/user", (int)process->pid);
	owner.users = rpc_users_of(users);
	if (ours && *ours) {
		owner.socket = ours;
		rc = try_places(link, &owner, process->pid, err);
	}
	if (process_sees_other_files(process->pid)) {
		snprintf(root, sizeof(root), "/proc/%d/root", (int)process->pid);
		owner.root = root;
	}
	owner.socket = own_socket;
	if (rc == -(int)SUTURE_E_NO_AGENT &&
	    process_environment(process->pid, "SUTURE_SOCKET", own_socket))
		rc = try_places(link, &owner, process->pid, err);
	owner.socket = NULL;
	if (process_environment(process->pid, "XDG_RUNTIME_DIR", runtime))
		owner.runtime_dir = runtime;
	if (rc == -(int)SUTURE_E_NO_AGENT)
		rc = try_places(link, &owner, process->pid, err);
	snprintf(runtime, sizeof(runtime), "/run/user/%u", (unsigned)process->inner_uid);
	if (rc == -(int)SUTURE_E_NO_AGENT && !owner.runtime_dir) {
		owner.runtime_dir = runtime;
		rc = try_places(link, &owner, process->pid, err);
	}
	owner.uid = 0;
	if (rc == -(int)SUTURE_E_NO_AGENT)
		rc = try_places(link, &owner, process->pid, err);
	/* One that has gone to another root folder since its agent began: where we would look. */
	owner = (struct rpc_owner){
		.pid = process->inner_pid, .uid = process->inner_uid, .users = owner.users};
	if (rc == -(int)SUTURE_E_NO_AGENT && *root)
		rc = try_places(link, &owner, process->pid, err);
	return rc;
}

/* Who does not answer may be held by somebody. */
static int explain_silence(pid_t pid, int rc, struct suture_error *err)
{
	struct process now;

	if (rc != -(int)SUTURE_E_AGENT_BUSY || !process_read(pid, &now) || !now.stopped)
		return rc;
	if (now.tracer)
		return error_next(err,
				  "it is stopped by pid %d, which traces it: end that debugger",
				  (int)now.tracer);
	return error_next(err, "it is stopped: let it go on (kill -CONT %d)", (int)pid);
}

int link_open(struct link *link, const struct process *process, struct suture_error *err)
{
	int rc = 0;

	/* One that was filtered from its start has shown that it can live. */
	if (process->filtered && process_maps(process->pid, "libsuture.so") == 1)
		rc = spared_check(process, err);
	if (rc)
		return rc;
	if (process_has_other_users(process->pid))
		identity_take(process->uid);
	rc = try_owners(link, process, err);
	identity_drop();
	/* Root's folder is closed to us; that matters only where an agent may be behind it. */
	if (rc == -(int)SUTURE_E_PERMISSION && process_maps(process->pid, "libsuture.so") == 0)
		rc = -(int)SUTURE_E_NO_AGENT;
	if (rc == -(int)SUTURE_E_PERMISSION && process->uid != geteuid()) {
		error_set(err, SUTURE_E_PERMISSION, "%s (pid %d) belongs to user %u", process->name,
			  (int)process->pid, (unsigned)process->uid);
		return error_next(err, "run suture as that user or as root");
	}
	/* Nothing of it can be seen, not even by its own user. */
	if (rc == -(int)SUTURE_E_PERMISSION && !process_is_dumpable(process)) {
		error_set(err, SUTURE_E_PERMISSION,
			  "%s (pid %d) is not dumpable: it gave up privileges, or asked for that",
			  process->name, (int)process->pid);
		return error_next(err, "run suture as root");
	}
	if (rc != -(int)SUTURE_E_NO_AGENT)
		return explain_silence(process->pid, rc, err);
	error_set(err, SUTURE_E_NO_AGENT, "no agent in %s (pid %d)", process->name,
		  (int)process->pid);
	return error_next(err, "'suture attach %d' puts one in", (int)process->pid);
}

int link_open_socket(struct link *link, const char *path, struct process *process,
		     struct suture_error *err)
{
	int rc = open_path(link, path, err);

	if (rc)
		return rc;
	if (!process_read(link->client.peer.pid, process))
		*process = (struct process){.pid = link->client.peer.pid, .name = "process"};
	rc = greet(link, err);
	if (rc)
		link_close(link);
	return explain_silence(process->pid, rc, err);
}

void link_close(struct link *link)
{
	rpc_client_close(&link->client);
}

int link_call(struct link *link, const struct rpc_client_call *call, struct json_object **result,
	      struct json_object **details, struct suture_error *err)
{
	int rc = rpc_client_call(&link->client, call, result, details, err);

	if (rc && err->code == SUTURE_E_UNSUPPORTED && !err->next[0])
		return error_next(err, "use the suture of the agent's release (%.31s)",
				  link->agent);
	return rc;
}
