/* SPDX-License-Identifier: MIT */
/* The calling end; see client.h. */
#include "rpc/client.h"

#include "base/bytes.h"
#include "base/error.h"
#include "base/text.h"
#include "rpc/descriptor.h"
#include "rpc/error.h"
#include "rpc/message.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static uint64_t now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static int connect_error(const char *path, int errnum, struct suture_error *err)
{
	switch (errnum) {
	case ENOENT:
	case ENOTDIR:
	case ECONNREFUSED:
		return error_set(err, SUTURE_E_NO_AGENT, "no agent listens at %s", path);
	case EACCES:
	case EPERM:
		return error_errno(err, SUTURE_E_PERMISSION, errnum, "%s", path);
	case EAGAIN:
	case ETIMEDOUT:
		return error_set(err, SUTURE_E_AGENT_BUSY,
				 "the agent at %s takes no more connections", path);
	default:
		return error_errno(err, SUTURE_E_IO, errnum, "%s", path);
	}
}

int rpc_client_open(struct rpc_client *client, const char *path, unsigned timeout_ms,
		    struct suture_error *err)
{
	struct timeval timeout = {.tv_sec = timeout_ms / 1000,
				  .tv_usec = (suseconds_t)(timeout_ms % 1000) * 1000};
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct ucred peer;
	socklen_t size = sizeof(peer);
	int fd, rc = 0;

	if ((size_t)snprintf(address.sun_path, sizeof(address.sun_path), "%s", path) >=
	    sizeof(address.sun_path))
		return error_set(err, SUTURE_E_USAGE, "%.*s…: longer than a socket's name can be",
				 text_fit(path, 60), path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return error_errno(err, SUTURE_E_IO, errno, "a socket");
	/* connect() waits for room in the listener's queue as long as SO_SNDTIMEO says. */
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout));
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		rc = connect_error(path, errno, err);
	else if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
		rc = error_errno(err, SUTURE_E_IO, errno, "%s", path);
	if (rc) {
		close(fd);
		return rc;
	}
	*client = (struct rpc_client){.fd = fd, .peer = peer};
	rpc_lines_init(&client->lines, RPC_ANSWER_LINE);
	return 0;
}

void rpc_client_close(struct rpc_client *client)
{
	if (client->fd >= 0)
		close(client->fd);
	client->fd = -1;
	rpc_lines_fini(&client->lines);
}

/* Waits for events; 0, or TIMEOUT. */
static int wait_for(struct rpc_client *client, short events, uint64_t deadline,
		    struct suture_error *err)
{
	struct pollfd poll_fd = {.fd = client->fd, .events = events};

	for (;;) {
		uint64_t now = now_us();
		uint64_t left_ms = now < deadline ? (deadline - now + 999) / 1000 : 0;
		int ready = poll(&poll_fd, 1, left_ms > 1000000 ? 1000000 : (int)left_ms);

		if (ready > 0)
			return 0;
		if (ready < 0 && errno != EINTR)
			return error_errno(err, SUTURE_E_IO, errno, "waiting for the agent");
		if (ready == 0 && now_us() >= deadline)
			return error_set(err, SUTURE_E_TIMEOUT, "the agent did not answer in time");
	}
}

static int ended(struct suture_error *err)
{
	return error_set(err, SUTURE_E_UNCERTAIN, "the connection ended before the answer");
}

static int send_all(struct rpc_client *client, const struct bytes *request, int fd,
		    uint64_t deadline, struct suture_error *err)
{
	size_t done = 0;

	while (done < request->size) {
		ssize_t put = rpc_send(client->fd, request->data + done, request->size - done,
				       done ? -1 : fd, MSG_DONTWAIT);
		int rc;

		if (put > 0) {
			done += (size_t)put;
		} else if (errno == EAGAIN) {
			rc = wait_for(client, POLLOUT, deadline, err);
			if (rc)
				return rc;
		} else if (errno == EPIPE || errno == ECONNRESET) {
			return 0; /* what it had to say may be waiting to be read */
		} else if (errno != EINTR) {
			return error_errno(err, SUTURE_E_IO, errno, "sending the request");
		}
	}
	return 0;
}

/* The next line of the agent. */
static int receive_line(struct rpc_client *client, uint64_t deadline, char **line, size_t *length,
			struct suture_error *err)
{
	for (;;) {
		int rc = rpc_lines_next(&client->lines, line, length, err);
		ssize_t got;
		size_t size;
		char *room;

		if (rc)
			return rc < 0 ? rc : 0;
		rc = wait_for(client, POLLIN, deadline, err);
		if (rc)
			return rc;
		room = rpc_lines_room(&client->lines, &size);
		if (!room)
			return error_no_memory(err);
		got = recv(client->fd, room, size, MSG_DONTWAIT);
		if (got > 0)
			rpc_lines_added(&client->lines, (size_t)got);
		else if (got == 0 || (errno != EAGAIN && errno != EINTR))
			return ended(err);
	}
}

/* 1: that was the answer. 0: something else. Negative: the answer was an error. */
static int take_message(struct rpc_client *client, const struct rpc_client_call *call,
			struct rpc_message *message, struct json_object **result,
			struct json_object **details, struct suture_error *err)
{
	struct json_object *data;

	if (message->kind == RPC_NOTIFICATION && call->notified)
		call->notified(call->context, message->method, message->params);
	if (message->kind == RPC_FAILURE && !message->id) {
		/* It couldn't tell which request that was; we have only one. */
	} else if ((message->kind != RPC_RESULT && message->kind != RPC_FAILURE) ||
		   !json_object_is_type(message->id, json_type_int) ||
		   json_object_get_int64(message->id) != client->last_id) {
		return 0;
	}
	if (message->kind == RPC_RESULT) {
		*result = json_object_get(message->result);
		return 1;
	}
	rpc_error_read(message->error, err, &data);
	if (details)
		*details = json_object_get(data);
	return -(int)err->code;
}

int rpc_client_call(struct rpc_client *client, const struct rpc_client_call *call,
		    struct json_object **result, struct json_object **details,
		    struct suture_error *err)
{
	uint64_t deadline = now_us() + call->timeout_us;
	struct bytes request = {0};
	struct rpc_message message;
	size_t length;
	char *line;
	int rc;

	if (details)
		*details = NULL;
	rpc_add_request(&request, ++client->last_id, call->method, call->params);
	rc = bytes_ok(&request) ? send_all(client, &request, call->fd, deadline, err)
				: error_no_memory(err);
	bytes_fini(&request);
	while (!rc) {
		rc = receive_line(client, deadline, &line, &length, err);
		if (rc)
			return rc;
		rc = rpc_message_parse(line, length, RPC_FROM_AGENT, &message, err);
		if (rc)
			error_context(err, "the agent's answer");
		else
			rc = take_message(client, call, &message, result, details, err);
		rpc_message_fini(&message);
	}
	return rc > 0 ? 0 : rc;
}
