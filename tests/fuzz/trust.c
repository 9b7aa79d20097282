/* SPDX-License-Identifier: MIT */
/*
 * Keys and signatures as strangers may write them. The first byte says what the rest is; a
 * signature that was read must not verify, since nobody here can sign by the key.
 */
#include "trust/secret.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A broken property is a finding: the fuzzer reports the trap. */
static void require(bool property)
{
	if (!property)
		__builtin_trap();
}

static void read_signature(const char *text, size_t size)
{
	static const struct minisign_key key = {.key = {7}};
	struct minisign_signature signature;
	struct suture_error err;
	char id[MINISIGN_ID_TEXT];

	if (minisign_signature_parse(text, size, "input", &signature, &err))
		return;
	require(strlen(signature.comment) < MINISIGN_COMMENT_SIZE);
	minisign_id_text(signature.id, id);
	memcpy((void *)signature.id, key.id, sizeof(key.id));
	require(minisign_verify(&key, &signature, text, size, "input", &err) != 0);
}

static void read_secret(const char *text, size_t size)
{
	struct secret_file *file = NULL;
	struct secret_key key;
	struct suture_error err;

	if (secret_file_parse(text, size, "input", &file, &err))
		return;
	/* Not with a password: scrypt's work is not what is looked for. */
	if (secret_file_needs_password(file))
		require(secret_open(file, NULL, "input", &key, &err) != 0);
	else if (!secret_open(file, NULL, "input", &key, &err))
		secret_forget(&key);
	secret_file_destroy(file);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct minisign_key key;
	struct suture_error err;
	char *text;

	if (size == 0)
		return 0;
	/* A block of its own: one byte too far is seen. */
	text = malloc(size);
	if (!text)
		return 0;
	memcpy(text, data + 1, size - 1);
	if (data[0] % 3 == 0)
		minisign_key_parse(text, size - 1, "input", &key, &err);
	else if (data[0] % 3 == 1)
		read_signature(text, size - 1);
	else
		read_secret(text, size - 1);
	free(text);
	return 0;
}
