/* SPDX-License-Identifier: MIT */
/* Whose name is in the credentials of a connection; see identity.h. */
#include "cli/identity.h"

#include <linux/capability.h>
#include <sys/syscall.h>
#include <unistd.h>

static uid_t before = (uid_t)-1;

/* Leaving user 0 takes them out of the effective set, not out of the permitted one. */
static void keep_capabilities(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

	if (syscall(SYS_capget, &header, data) < 0)
		return;
	for (size_t i = 0; i < sizeof(data) / sizeof(data[0]); i++)
		data[i].effective = data[i].permitted;
	syscall(SYS_capset, &header, data);
}

void identity_take(uid_t uid)
{
	if (geteuid() != 0 || uid == 0 || seteuid(uid) < 0)
		return;
	before = 0;
	keep_capabilities();
}

void identity_drop(void)
{
	if (before != (uid_t)-1 && seteuid(before) == 0)
		before = (uid_t)-1;
}
