/* SPDX-License-Identifier: MIT */
/* Cuts a stream of bytes into lines, with a bound on the length of a line. */
#ifndef RPC_LINES_H
#define RPC_LINES_H

#include <suture/error.h>

#include <stdbool.h>
#include <stddef.h>

struct rpc_lines {
	char *data; /* owned; [start, end) is not yet handed out */
	size_t start;
	size_t end;
	size_t capacity;
	size_t scanned; /* no newline before this position */
	size_t limit;	/* longest line, bytes without the newline */
};

void rpc_lines_init(struct rpc_lines *lines, size_t limit);
void rpc_lines_fini(struct rpc_lines *lines);

/*
 * Room for *size bytes at the end (at least 1, at most 16 KiB). Invalidates lines handed out.
 * NULL when there is no memory. rpc_lines_added() says how many bytes were put there.
 */
char *rpc_lines_room(struct rpc_lines *lines, size_t *size);
void rpc_lines_added(struct rpc_lines *lines, size_t size);

/*
 * 1: *line is the next line, NUL-terminated without its "\n" or "\r\n", good until the next
 * rpc_lines_room(). 0: none is complete. Negative: PROTOCOL, longer than the limit; the stream is
 * of no further use. A line may hold NUL bytes: *length counts.
 */
int rpc_lines_next(struct rpc_lines *lines, char **line, size_t *length, struct suture_error *err);

/* Bytes of a line that is not complete. */
size_t rpc_lines_partial(const struct rpc_lines *lines);

#endif
