/* SPDX-License-Identifier: MIT */
/* Roles of clients; see peer.h. */
#include "agent/peer.h"

#include "base/error.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PEER_GROUPS = 256 };

/* One "ID" or "ID:rw" of length bytes. */
static bool parse_grant(const char *text, size_t length, struct peer_grant *grant)
{
	unsigned long id = 0;
	size_t i = 0;

	for (; i < length && text[i] >= '0' && text[i] <= '9' && i < 10; i++)
		id = id * 10 + (unsigned long)(text[i] - '0');
	/* (uid_t)-1 means "nobody" to the kernel's calls. */
	if (i == 0 || id >= UINT32_MAX)
		return false;
	grant->id = (unsigned)id;
	grant->role = PEER_READER;
	if (length - i == 3 && memcmp(text + i, ":rw", 3) == 0)
		grant->role = PEER_WRITER;
	else if (i != length)
		return false;
	return true;
}

static int parse_list(struct peer_policy *policy, const char *variable, const char *text,
		      bool group, struct suture_error *err)
{
	while (text && *text) {
		size_t length = strcspn(text, ",");
		struct peer_grant grant = {.group = group};

		if (!parse_grant(text, length, &grant))
			return error_set(err, SUTURE_E_USAGE, "%s: '%.*s' is not ID or ID:rw",
					 variable, length < 64 ? (int)length : 64, text);
		if (policy->count == PEER_GRANTS)
			return error_set(err, SUTURE_E_USAGE, "%s: more than %d entries", variable,
					 PEER_GRANTS);
		policy->grants[policy->count++] = grant;
		text += length;
		if (*text == ',')
			text++;
	}
	return 0;
}

int peer_policy_init(struct peer_policy *policy, const char *uids, const char *gids,
		     struct suture_error *err)
{
	struct peer_policy result = {.count = 0};
	int rc = parse_list(&result, "SUTURE_ALLOW_UID", uids, false, err);

	if (!rc)
		rc = parse_list(&result, "SUTURE_ALLOW_GID", gids, true, err);
	if (!rc)
		*policy = result;
	return rc;
}

static bool in_groups(unsigned id, const gid_t *groups, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (groups[i] == id)
			return true;
	return false;
}

enum peer_role peer_role(const struct peer_policy *policy, uid_t uid, const gid_t *groups,
			 size_t group_count)
{
	enum peer_role role = PEER_NOBODY;

	if (uid == 0 || uid == geteuid())
		return PEER_WRITER;
	for (size_t i = 0; i < policy->count; i++) {
		const struct peer_grant *grant = &policy->grants[i];
		bool applies =
			grant->group ? in_groups(grant->id, groups, group_count) : grant->id == uid;

		if (applies && grant->role > role)
			role = grant->role;
	}
	return role;
}

int peer_identify(int socket, const struct peer_policy *policy, struct peer *peer,
		  struct suture_error *err)
{
	gid_t groups[PEER_GROUPS + 1];
	socklen_t size = PEER_GROUPS * sizeof(gid_t);
	struct ucred credentials;
	socklen_t credentials_size = sizeof(credentials);
	size_t count = 0;

	if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &credentials, &credentials_size) < 0)
		return error_errno(err, SUTURE_E_PERMISSION, errno, "who is connected");
	/* A user in more groups than fit is known by the primary one alone. */
	if (getsockopt(socket, SOL_SOCKET, SO_PEERGROUPS, groups, &size) == 0)
		count = size / sizeof(gid_t);
	groups[count++] = credentials.gid;
	*peer = (struct peer){.pid = credentials.pid,
			      .uid = credentials.uid,
			      .gid = credentials.gid,
			      .role = peer_role(policy, credentials.uid, groups, count)};
	return 0;
}
