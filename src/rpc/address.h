/* SPDX-License-Identifier: MIT */
/*
 * Where an agent's socket is. $SUTURE_SOCKET names it, or the folder of PID.sock when it ends in
 * '/'. Otherwise the first that can be used of /run/suture/PID.sock (root only),
 * $XDG_RUNTIME_DIR/suture/PID.sock, /tmp/suture-UID/PID.sock, /dev/shm/suture-UID/PID.sock. In
 * another user namespace than the first, UID is followed by -NAMESPACE: the same number there is
 * somebody else, who may see the same /tmp.
 */
#ifndef RPC_ADDRESS_H
#define RPC_ADDRESS_H

#include <suture/error.h>

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum { RPC_PATH_SIZE = 108 }; /* of struct sockaddr_un */

/* A process as its agent sees itself: what decides about the path. Texts are borrowed or NULL. */
struct rpc_owner {
	pid_t pid; /* in its own PID namespace */
	uid_t uid;
	const char *socket;	 /* its SUTURE_SOCKET */
	const char *runtime_dir; /* its XDG_RUNTIME_DIR */
	uint64_t users;		 /* its user namespace, 0 for the first one */
	const char *root;	 /* put in front: "/proc/PID/root" for another mount namespace */
};

/* The user namespace behind a link like "/proc/self/ns/user"; 0: the first one, or unknown. */
uint64_t rpc_users_of(const char *link);

/* This process. */
struct rpc_owner rpc_owner_self(void);

/* The place of that number, from 0; false after the last. Places that don't fit are skipped. */
bool rpc_place(const struct rpc_owner *owner, unsigned number, char path[RPC_PATH_SIZE]);

#endif
