/* SPDX-License-Identifier: MIT */
/*
 * minisign's public keys and signatures (https://jedisct1.github.io/minisign/): Ed25519 by
 * libsodium. Texts come from strangers: whatever is in them, this answers with a key, a signature
 * or a reason. No allocation but while hashing nothing: any thread, plan phase.
 */
#ifndef TRUST_MINISIGN_H
#define TRUST_MINISIGN_H

#include <suture/error.h>

#include <stddef.h>
#include <stdint.h>

enum {
	MINISIGN_ID_SIZE = 8,
	MINISIGN_ID_TEXT = 17,
	MINISIGN_KEY_SIZE = 32,
	MINISIGN_SIGNATURE_SIZE = 64,
	MINISIGN_TEXT_LIMIT = 16 << 10, /* bytes of a key or signature file */
	MINISIGN_COMMENT_SIZE = 8193,	/* of a trusted comment, with NUL */
};

struct minisign_key {
	uint8_t id[MINISIGN_ID_SIZE];
	uint8_t key[MINISIGN_KEY_SIZE];
};

struct minisign_signature {
	bool prehashed; /* 'ED': of the BLAKE2b-512 hash of the bytes; else 'Ed': of the bytes */
	uint8_t id[MINISIGN_ID_SIZE];
	uint8_t signature[MINISIGN_SIGNATURE_SIZE];
	/* Of the signature and the trusted comment together. */
	uint8_t global[MINISIGN_SIGNATURE_SIZE];
	char comment[MINISIGN_COMMENT_SIZE]; /* the trusted one */
};

/* A public key file's text. label is for messages. BAD_INPUT. */
int minisign_key_parse(const char *text, size_t size, const char *label, struct minisign_key *key,
		       struct suture_error *err);

/* A .minisig file's text. SIGNATURE. */
int minisign_signature_parse(const char *text, size_t size, const char *label,
			     struct minisign_signature *signature, struct suture_error *err);

/* Are data and trusted comment signed by that key? SIGNATURE if not. */
int minisign_verify(const struct minisign_key *key, const struct minisign_signature *signature,
		    const void *data, size_t size, const char *label, struct suture_error *err);

/* As minisign shows it. */
void minisign_id_text(const uint8_t id[MINISIGN_ID_SIZE], char text[MINISIGN_ID_TEXT]);

#endif
