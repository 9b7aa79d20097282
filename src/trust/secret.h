/* SPDX-License-Identifier: MIT */
/*
 * Signing with minisign's secret keys, as they are written by `minisign -G`, with or without a
 * password. Not for the agent: opening a key with a password takes a second and a gigabyte.
 */
#ifndef TRUST_SECRET_H
#define TRUST_SECRET_H

#include "base/bytes.h"
#include "trust/minisign.h"

struct secret_file; /* a key as it lies in its file */

struct secret_key {
	uint8_t id[MINISIGN_ID_SIZE];
	uint8_t key[64];
};

/* BAD_INPUT. The caller calls secret_file_destroy(). */
int secret_file_parse(const char *text, size_t size, const char *label, struct secret_file **file,
		      struct suture_error *err);
void secret_file_destroy(struct secret_file *file);

bool secret_file_needs_password(const struct secret_file *file);

/* password may be NULL if none is needed. PERMISSION: the wrong one. BAD_INPUT: damaged. */
int secret_open(const struct secret_file *file, const char *password, const char *label,
		struct secret_key *key, struct suture_error *err);

/* Overwrites it. */
void secret_forget(struct secret_key *key);

/*
 * Adds the text of a .minisig file for data, prehashed, with that trusted comment (one line).
 */
int secret_sign(const struct secret_key *key, const void *data, size_t size, const char *comment,
		struct bytes *text, struct suture_error *err);

#endif
