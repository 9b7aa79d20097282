/* SPDX-License-Identifier: MIT */
/*
 * The one way in for patch files, whoever brings them: a client by `apply` and `check`, the start
 * by what is installed. What may be loaded at all is decided here and nowhere else.
 *
 * With SUTURE_REQUIRE_SIGNATURE only patches signed by that key get in. What is checked is the
 * private copy that is then parsed, moved and mapped; for the last step it lies in sealed memory
 * instead of a file.
 */
#ifndef AGENT_ADMIT_H
#define AGENT_ADMIT_H

#include "patch/file.h"

/*
 * Before the first thread of the agent: the public key's file, or NULL where no signature is
 * wanted. A file that can't be read lets nothing in.
 */
void admit_require(const char *key_file);

/* The id of the key that patches must be signed by; NULL: none is asked for. "" if it can't be
 * read. */
const char *admit_key_id(void);

/*
 * Reads and validates what fd refers to. signature is the text of its .minisig file, or NULL. label
 * is the file's name for messages. On success the caller owns *file. SIGNATURE, BAD_PATCH_FILE
 * and its kin. Plan phase, worker.
 */
int admit_patch(int fd, const char *signature, const char *label, struct patch_file *file,
		struct suture_error *err);

#endif
