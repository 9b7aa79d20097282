/*
 * Connection: one client's socket with what was read but not yet answered, and what was said but
 * not yet sent. Created, read and destroyed by the network thread; every thread may send.
 */
#ifndef ARENA_CONN_H
#define ARENA_CONN_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#include "protocol.h"

struct player;

struct conn {
	/* The network thread's own. */
	struct conn *previous;
	struct conn *next;
	struct player *player; /* NULL before join */
	bool closing;          /* said quit */
	bool too_long;         /* skipping the rest of a line that is too long */
	size_t in_used;
	char in[PROTOCOL_LINE_MAX + 1];

	int fd;
	int epoll_fd;
	pthread_mutex_t lock; /* guards everything below; taken after a room's */
	bool broken;          /* the client doesn't read, or is gone: nothing is sent any more */
	bool waits_to_write;  /* epoll tells when out can go on */
	char *out;
	size_t out_used;
	size_t out_size;
};

enum conn_state { CONN_OPEN, CONN_CLOSED };

/* Takes the socket over, also on failure. NULL when there is no memory. */
struct conn *conn_create(int fd, int epoll_fd);
void conn_destroy(struct conn *conn);

/* Never waits: what the socket doesn't take is kept, and a client that never reads is dropped. */
void conn_send(struct conn *conn, const char *text, size_t length);

/*
 * Keeps the text as if the socket had not taken it. False: that is too much, and the connection is
 * broken.
 */
bool conn_keep_unsent(struct conn *conn, const char *text, size_t length);

/* Sends what was kept. */
enum conn_state conn_flush(struct conn *conn);

/*
 * Reads what has arrived, and calls line(conn, text, context) for each whole line, with NULL for
 * one that is too long.
 */
enum conn_state conn_read(struct conn *conn, void (*line)(struct conn *, char *, void *),
                          void *context);

#endif
