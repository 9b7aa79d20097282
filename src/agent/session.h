/* SPDX-License-Identifier: MIT */
/*
 * One client of the server: its buffers, its times. Only the server's thread touches sessions.
 * Times are milliseconds of CLOCK_MONOTONIC.
 */
#ifndef AGENT_SESSION_H
#define AGENT_SESSION_H

#include "agent/peer.h"
#include "base/bytes.h"
#include "rpc/lines.h"

struct server_call;

struct session {
	int fd;
	struct peer peer;
	struct rpc_lines in;
	struct bytes out;
	size_t out_sent;	  /* of out */
	int passed;		  /* descriptor that came with the bytes, or -1 */
	struct server_call *call; /* on the worker or waiting for it, or NULL; borrowed */
	uint64_t since;		  /* when it came */
	uint64_t active_at;	  /* last byte in, or last answer */
	uint64_t line_since;	  /* when the unfinished line began, 0 when there is none */
	uint64_t out_since;	  /* last progress of out, 0 when it is empty */
	unsigned events;	  /* registered with epoll */
	bool half_closed;	  /* it will send no more; what it asked is still answered */
	bool doomed;		  /* closed as soon as out is empty */
	bool dead;		  /* to be destroyed at the end of the round */
	bool asked;		  /* has sent a whole request */
	bool ready;		  /* a complete line may be waiting in `in` */
};

/* Takes over fd, also on failure (NULL: no memory). */
struct session *session_create(int fd, const struct peer *peer, uint64_t now);
void session_destroy(struct session *session);

/* Reads what is there, at most one piece, so that everybody has a turn. */
void session_receive(struct session *session, uint64_t now);

/* Writes what the client takes now. */
void session_flush(struct session *session, uint64_t now);

/* Bytes waiting to be written. */
size_t session_pending(const struct session *session);

/* True when another request of this client may be begun. */
bool session_may_ask(const struct session *session);

/* The epoll events that it waits for. */
unsigned session_interest(const struct session *session);

/* When it has been silent or slow for too long; UINT64_MAX: never. */
uint64_t session_deadline(const struct session *session, unsigned idle_ms, unsigned stall_ms);

#endif
