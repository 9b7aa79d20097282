/* SPDX-License-Identifier: MIT */
/* Signing what was built: OUT.so.minisig, which stock minisign verifies. */
#ifndef PATCH_BUILD_SIGN_H
#define PATCH_BUILD_SIGN_H

#include "trust/secret.h"

/*
 * Opens a secret key; its password, if it has one, is asked for on the terminal, else it is the
 * first line of standard input. BAD_INPUT, PERMISSION.
 */
int sign_open(const char *path, struct secret_key *key, struct suture_error *err);

/* Writes PATCH.minisig. *written is the caller's, and says where. */
int sign_patch(const struct secret_key *key, const char *patch, char **written,
	       struct suture_error *err);

#endif
