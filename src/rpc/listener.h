/* SPDX-License-Identifier: MIT */
/*
 * The listening end: a socket in a folder that nobody else can write. Nothing is followed or
 * removed that isn't ours: a folder that is a symbolic link or belongs to somebody else is not
 * used, a stale socket is replaced by rename(), a live one is left alone.
 */
#ifndef RPC_LISTENER_H
#define RPC_LISTENER_H

#include "rpc/address.h"

struct rpc_listener {
	int fd; /* non-blocking, close-on-exec, apart from the program's (base/descriptor.h) */
	ino_t socket; /* which socket fd was */
	char path[RPC_PATH_SIZE];
	dev_t device; /* identity of the file that we made */
	ino_t inode;
};

/*
 * Tries the owner's places in turn. `shared` makes the socket reachable for other users, whom the
 * caller then checks by SO_PEERCRED (folder 0711, socket 0666 instead of 0700 and 0600).
 */
int rpc_listener_open(const struct rpc_owner *owner, bool shared, struct rpc_listener *listener,
		      struct suture_error *err);

/* False when the program has closed the descriptor: the number may be one of its own by now. */
bool rpc_listener_is_open(const struct rpc_listener *listener);

/* Removes the file if it is still the one that was made: nobody finds it any more. */
void rpc_listener_hide(const struct rpc_listener *listener);

/* The same, and closes it. */
void rpc_listener_close(struct rpc_listener *listener);

/* In a forked child: closes the descriptor and leaves the file. Async-signal-safe. */
void rpc_listener_forget(struct rpc_listener *listener);

#endif
