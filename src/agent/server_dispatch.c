/* SPDX-License-Identifier: MIT */
/*
 * From a line to an answer: which command, may this client, with which descriptor, on which
 * thread. Runs on the server's thread.
 */
#include "agent/server_internal.h"

#include "base/error.h"
#include "rpc/error.h"
#include "rpc/params.h"
#include "rpc/text.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { WORD_LENGTH = 32 };

static const uint64_t longest_wait_us = 3600ULL * 1000000; /* nobody waits longer than an hour */

static int run_hello(struct server_call *call, struct json_object *params, int fd,
		     struct json_object **result, struct suture_error *err)
{
	uint64_t protocol = RPC_PROTOCOL_VERSION;
	int rc = rpc_params_u64(params, "protocol", UINT32_MAX, &protocol, err);
	struct json_object *answer;

	(void)fd;
	if (rc)
		return rc;
	if (protocol < RPC_PROTOCOL_OLDEST)
		return error_set(err, SUTURE_E_UNSUPPORTED,
				 "the agent no longer speaks protocol %u, %d is the oldest",
				 (unsigned)protocol, RPC_PROTOCOL_OLDEST);
	answer = json_object_new_object();
	if (!rpc_json_add(answer, "protocol", json_object_new_int(RPC_PROTOCOL_VERSION)) ||
	    !rpc_json_add(answer, "oldest", json_object_new_int(RPC_PROTOCOL_OLDEST)) ||
	    !rpc_json_add(answer, "agent", rpc_json_string(SUTURE_VERSION)) ||
	    !rpc_json_add(answer, "pid", json_object_new_int(getpid())) ||
	    !rpc_json_add(answer, "role",
			  rpc_json_string(call->peer.role == PEER_WRITER ? "rw" : "ro"))) {
		json_object_put(answer);
		return error_no_memory(err);
	}
	*result = answer;
	return 0;
}

static int run_ping(struct server_call *call, struct json_object *params, int fd,
		    struct json_object **result, struct suture_error *err)
{
	(void)call;
	(void)params;
	(void)fd;
	*result = json_object_new_object();
	return *result ? 0 : error_no_memory(err);
}

static int run_help(struct server_call *call, struct json_object *params, int fd,
		    struct json_object **result, struct suture_error *err)
{
	const struct server_options *options = &call->server->options;
	struct json_object *answer = json_object_new_object();

	(void)params;
	(void)fd;
	for (size_t i = 0; answer && i < options->command_count; i++)
		if (options->commands[i].help)
			rpc_json_add(answer, options->commands[i].method,
				     rpc_json_string(options->commands[i].help));
	*result = answer;
	return answer ? 0 : error_no_memory(err);
}

static const struct server_command builtin[] = {
	{.method = "hello", .run = run_hello},
	{.method = "ping", .run = run_ping},
	{.method = "help", .run = run_help},
};

static const struct server_command *find_in(const struct server_command *commands, size_t count,
					    const char *method)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(commands[i].method, method) == 0)
			return &commands[i];
	return NULL;
}

static const struct server_command *find_command(const struct server *server, const char *method)
{
	const struct server_command *found =
		find_in(builtin, sizeof(builtin) / sizeof(builtin[0]), method);

	return found ? found
		     : find_in(server->options.commands, server->options.command_count, method);
}

/*
 * Who may only read could send a file on a file system of their own that never answers, and so
 * keep the worker for ever. Memory with seals can't do that, nor change under the reader.
 */
static bool fd_acceptable(int fd, const struct peer *peer)
{
	int seals;

	if (peer->role == PEER_WRITER)
		return true;
	seals = fcntl(fd, F_GET_SEALS);
	return seals >= 0 && (seals & F_SEAL_WRITE) && (seals & F_SEAL_SHRINK);
}

/* The descriptor that came along goes to this request or nowhere. */
static int take_fd(struct session *session, struct server_call *call, struct suture_error *err)
{
	call->fd = session->passed;
	session->passed = -1;
	if (!call->command->takes_fd) {
		if (call->fd >= 0)
			close(call->fd);
		call->fd = -1;
		return 0;
	}
	if (call->fd < 0 && call->command->fd_optional)
		return 0;
	if (call->fd < 0)
		return error_set(err, SUTURE_E_USAGE, "'%s' needs a file descriptor (SCM_RIGHTS)",
				 call->command->method);
	if (!fd_acceptable(call->fd, &call->peer))
		return error_set(err, SUTURE_E_PERMISSION,
				 "who may only read must send a sealed memfd");
	return 0;
}

static int admit(struct server *server, struct session *session, struct server_call *call,
		 struct suture_error *err)
{
	const char *method = call->message.method;
	uint64_t wait = (uint64_t)SERVER_WAIT_MS * 1000;
	int rc;

	call->command = find_command(server, method);
	if (!call->command) {
		call->message.number = RPC_NUMBER_UNKNOWN_METHOD;
		error_set(err, SUTURE_E_UNSUPPORTED, "agent " SUTURE_VERSION " does not know '%s'",
			  method);
		return error_next(err, "method 'help' lists what it knows");
	}
	call->message.number = (enum rpc_number)0;
	if (call->command->mutates && call->peer.role != PEER_WRITER) {
		rc = error_set(err, SUTURE_E_PERMISSION, "user %u may only read here",
			       (unsigned)call->peer.uid);
		server_denied(server, &call->peer, method, err);
		return rc;
	}
	rc = take_fd(session, call, err);
	if (!rc && server_for_worker(call->command))
		rc = rpc_params_u64(call->message.params, "timeout_us", longest_wait_us, &wait,
				    err);
	call->queued_at = server_now_us();
	call->expires_at = call->queued_at + wait;
	return rc;
}

void server_call_answer(struct server_call *call)
{
	struct session *session = call->session;
	struct json_object *error;

	if (!session)
		return;
	session->call = NULL;
	session->active_at = server_now_us() / 1000;
	if (call->rc == 0) {
		rpc_add_result(&session->out, call->message.id, call->result);
		return;
	}
	error = rpc_error_object(&call->err, (int)call->message.number, call->result);
	if (error)
		rpc_add_failure(&session->out, call->message.id, error);
	else
		session->dead = true;
	json_object_put(error);
}

void server_call_destroy(struct server_call *call)
{
	if (call->fd >= 0)
		close(call->fd);
	json_object_put(call->result);
	rpc_message_fini(&call->message);
	free(call);
}

static struct server_call *call_create(struct server *server, struct session *session)
{
	struct server_call *call = calloc(1, sizeof(*call));

	if (!call) {
		session->dead = true;
		return NULL;
	}
	call->server = server;
	call->session = session;
	call->fd = -1;
	call->peer = session->peer;
	return call;
}

static void run_request(struct server *server, struct session *session, struct server_call *call)
{
	int rc = atomic_load(&server->finishing) ? server_left(&call->err)
						 : admit(server, session, call, &call->err);

	if (!rc && server_for_worker(call->command)) {
		session->call = call;
		rc = server_worker_submit(server, call, &call->err);
		/* Submitted: from here on the call belongs to the worker. */
		if (!rc)
			return;
		session->call = NULL;
	} else if (!rc) {
		rc = call->command->run(call, call->message.params, call->fd, &call->result,
					&call->err);
	}
	call->rc = rc;
	server_call_answer(call);
	server_call_destroy(call);
}

static bool is_word(const char *line, size_t length)
{
	if (length == 0 || length > WORD_LENGTH)
		return false;
	for (size_t i = 0; i < length; i++)
		if (!(line[i] >= 'a' && line[i] <= 'z') && line[i] != '_')
			return false;
	/* JSON's own words are not ours. */
	return strcmp(line, "null") != 0 && strcmp(line, "true") != 0 && strcmp(line, "false") != 0;
}

/* `echo status | socat - UNIX:…`: the same handlers, plain text, nothing that changes or waits. */
static void run_word(struct server *server, struct session *session, const char *word)
{
	const struct server_command *command = find_command(server, word);
	struct server_call *call;

	if (!command || command->mutates || command->slow || command->takes_fd) {
		bytes_add_format(&session->out,
				 "error: '%s' is no word that can be asked; try 'help'\n", word);
		return;
	}
	call = call_create(server, session);
	if (!call)
		return;
	call->command = command;
	call->rc = command->run(call, NULL, -1, &call->result, &call->err);
	if (call->rc == 0)
		rpc_add_text(&session->out, call->result);
	else
		bytes_add_format(&session->out, "error: %s (%s)\n", call->err.message,
				 suture_code_name(call->err.code));
	server_call_destroy(call);
}

void server_dispatch(struct server *server, struct session *session, char *line, size_t length)
{
	struct server_call *call;

	if (length == 0)
		return;
	if (is_word(line, length)) {
		run_word(server, session, line);
		return;
	}
	call = call_create(server, session);
	if (!call)
		return;
	call->rc = rpc_message_parse(line, length, RPC_FROM_CLIENT, &call->message, &call->err);
	if (call->rc) {
		server_call_answer(call);
		server_call_destroy(call);
	} else if (call->message.kind == RPC_REQUEST) {
		run_request(server, session, call);
	} else {
		/* Notifications ask for no answer; nothing here is done without one. */
		server_call_destroy(call);
	}
}
