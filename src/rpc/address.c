/* SPDX-License-Identifier: MIT */
/* Paths of sockets; see address.h. */
#include "rpc/address.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FIRST_USERS 0xeffffffdu /* the kernel's PROC_USER_INIT_INO */

uint64_t rpc_users_of(const char *link)
{
	struct stat st;

	if (stat(link, &st) < 0 || st.st_ino == FIRST_USERS)
		return 0;
	return st.st_ino;
}

struct rpc_owner rpc_owner_self(void)
{
	return (struct rpc_owner){
		.pid = getpid(),
		.uid = geteuid(),
		.socket = secure_getenv("SUTURE_SOCKET"),
		.users = rpc_users_of("/proc/self/ns/user"),
		.runtime_dir = secure_getenv("XDG_RUNTIME_DIR"),
	};
}

/* False when this kind of place does not exist for the owner, or is too long for an address. */
static bool format_place(const struct rpc_owner *owner, unsigned kind, char path[RPC_PATH_SIZE])
{
	const char *root = owner->root ? owner->root : "";
	char user[48];
	const char *base;
	int length = -1;

	if (owner->users)
		snprintf(user, sizeof(user), "%u-%llu", (unsigned)owner->uid,
			 (unsigned long long)owner->users);
	else
		snprintf(user, sizeof(user), "%u", (unsigned)owner->uid);

	switch (kind) {
	case 0: /* set by hand: the only place then */
		if (!owner->socket || owner->socket[0] != '/')
			return false;
		if (owner->socket[strlen(owner->socket) - 1] == '/')
			length = snprintf(path, RPC_PATH_SIZE, "%s%s%d.sock", root, owner->socket,
					  (int)owner->pid);
		else
			length = snprintf(path, RPC_PATH_SIZE, "%s%s", root, owner->socket);
		break;
	case 1:
		if (owner->uid == 0)
			length = snprintf(path, RPC_PATH_SIZE, "%s/run/suture/%d.sock", root,
					  (int)owner->pid);
		break;
	case 2:
		base = owner->runtime_dir;
		if (owner->uid != 0 && base && base[0] == '/')
			length = snprintf(path, RPC_PATH_SIZE, "%s%s/suture/%d.sock", root, base,
					  (int)owner->pid);
		break;
	case 3:
		length = snprintf(path, RPC_PATH_SIZE, "%s/tmp/suture-%s/%d.sock", root, user,
				  (int)owner->pid);
		break;
	default: /* a read-only container has at least this */
		length = snprintf(path, RPC_PATH_SIZE, "%s/dev/shm/suture-%s/%d.sock", root, user,
				  (int)owner->pid);
		break;
	}
	return length > 0 && length < RPC_PATH_SIZE;
}

bool rpc_place(const struct rpc_owner *owner, unsigned number, char path[RPC_PATH_SIZE])
{
	unsigned first = owner->socket && *owner->socket ? 0 : 1;
	unsigned last = first == 0 ? 0 : 4;

	for (unsigned kind = first; kind <= last; kind++) {
		if (!format_place(owner, kind, path))
			continue;
		if (number == 0)
			return true;
		number--;
	}
	return false;
}
