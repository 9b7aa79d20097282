/* SPDX-License-Identifier: MIT */
/*
 * Who is at the other end of a connection, and what they may do. The process' own user (as it is
 * at that moment) and root may do all; others only what SUTURE_ALLOW_UID and SUTURE_ALLOW_GID say:
 * lists like "1000,1001:rw", read-only unless ":rw".
 */
#ifndef AGENT_PEER_H
#define AGENT_PEER_H

#include <suture/error.h>

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum { PEER_GRANTS = 32 };

enum peer_role { PEER_NOBODY, PEER_READER, PEER_WRITER };

struct peer_grant {
	unsigned id;
	bool group;
	enum peer_role role;
};

struct peer_policy {
	struct peer_grant grants[PEER_GRANTS];
	size_t count;
};

struct peer {
	pid_t pid; /* as seen from here; 0 when in a PID namespace that we can't see */
	uid_t uid;
	gid_t gid;
	enum peer_role role;
};

/* uids and gids: the values of the two variables or NULL. USAGE if one can't be read: fail closed.
 */
int peer_policy_init(struct peer_policy *policy, const char *uids, const char *gids,
		     struct suture_error *err);

/* The role of a user with these groups. */
enum peer_role peer_role(const struct peer_policy *policy, uid_t uid, const gid_t *groups,
			 size_t group_count);

/* Asks the kernel who is connected (SO_PEERCRED, SO_PEERGROUPS). */
int peer_identify(int socket, const struct peer_policy *policy, struct peer *peer,
		  struct suture_error *err);

#endif
