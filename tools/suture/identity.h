/* SPDX-License-Identifier: MIT */
/*
 * Root in the eyes of another user namespace. An agent there takes orders of its own user and of
 * root; root outside has no number inside and is nobody. For the time of a connect() root therefore
 * goes as the process' own user, and keeps its capabilities.
 */
#ifndef CLI_IDENTITY_H
#define CLI_IDENTITY_H

#include <sys/types.h>

/* Does nothing for who is not root, or where the kernel does not let it. */
void identity_take(uid_t uid);
void identity_drop(void);

#endif
