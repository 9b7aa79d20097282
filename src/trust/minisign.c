/* SPDX-License-Identifier: MIT */
/* Reading and checking; see minisign.h. */
#include "trust/minisign.h"

#include "base/error.h"
#include "trust/text.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#define UNTRUSTED "untrusted comment:"
#define TRUSTED	  "trusted comment: "

enum { ALGORITHM_SIZE = 2 };

/* As they lie in the files. */
struct key_record {
	uint8_t algorithm[ALGORITHM_SIZE];
	uint8_t id[MINISIGN_ID_SIZE];
	uint8_t key[MINISIGN_KEY_SIZE];
};

struct signature_record {
	uint8_t algorithm[ALGORITHM_SIZE];
	uint8_t id[MINISIGN_ID_SIZE];
	uint8_t signature[MINISIGN_SIGNATURE_SIZE];
};

_Static_assert(sizeof(struct key_record) == 42, "no padding");
_Static_assert(sizeof(struct signature_record) == 74, "no padding");

void minisign_id_text(const uint8_t id[MINISIGN_ID_SIZE], char text[MINISIGN_ID_TEXT])
{
	uint64_t number = 0;

	for (int i = MINISIGN_ID_SIZE - 1; i >= 0; i--)
		number = number << 8 | id[i];
	snprintf(text, MINISIGN_ID_TEXT, "%" PRIX64, number);
}

int minisign_key_parse(const char *text, size_t size, const char *label, struct minisign_key *key,
		       struct suture_error *err)
{
	struct key_record record;
	struct text_line line;
	bool found = size <= MINISIGN_TEXT_LIMIT && text_next_line(&text, &size, &line);

	if (found && text_begins(&line, UNTRUSTED))
		found = text_next_line(&text, &size, &line);
	if (!found || !text_base64(&line, (uint8_t *)&record, sizeof(record)) ||
	    memcmp(record.algorithm, "Ed", ALGORITHM_SIZE) != 0) {
		error_set(err, SUTURE_E_BAD_INPUT, "%s: not a public key of minisign", label);
		return error_next(err, "minisign -G makes a pair; the public one is minisign.pub");
	}
	memcpy(key->id, record.id, sizeof(key->id));
	memcpy(key->key, record.key, sizeof(key->key));
	return 0;
}

static int no_signature(const char *label, struct suture_error *err)
{
	error_set(err, SUTURE_E_SIGNATURE, "%s: not a signature of minisign", label);
	return error_next(err, "sign again: suture build --sign KEY, or minisign -S -m PATCH.so");
}

int minisign_signature_parse(const char *text, size_t size, const char *label,
			     struct minisign_signature *signature, struct suture_error *err)
{
	struct signature_record record;
	struct text_line line, comment;
	size_t length;

	if (size > MINISIGN_TEXT_LIMIT || !text_next_line(&text, &size, &line) ||
	    !text_begins(&line, UNTRUSTED) || !text_next_line(&text, &size, &line) ||
	    !text_base64(&line, (uint8_t *)&record, sizeof(record)) ||
	    !text_next_line(&text, &size, &comment) || !text_begins(&comment, TRUSTED) ||
	    !text_next_line(&text, &size, &line) ||
	    !text_base64(&line, signature->global, sizeof(signature->global)))
		return no_signature(label, err);
	length = comment.length - strlen(TRUSTED);
	if (length >= sizeof(signature->comment) || memchr(comment.at, '\0', comment.length))
		return no_signature(label, err);
	if (memcmp(record.algorithm, "ED", ALGORITHM_SIZE) == 0)
		signature->prehashed = true;
	else if (memcmp(record.algorithm, "Ed", ALGORITHM_SIZE) == 0)
		signature->prehashed = false;
	else
		return no_signature(label, err);
	memcpy(signature->id, record.id, sizeof(signature->id));
	memcpy(signature->signature, record.signature, sizeof(signature->signature));
	memcpy(signature->comment, comment.at + strlen(TRUSTED), length);
	signature->comment[length] = '\0';
	return 0;
}

static bool data_signed(const struct minisign_key *key, const struct minisign_signature *signature,
			const void *data, size_t size)
{
	uint8_t hash[crypto_generichash_BYTES_MAX];

	if (!signature->prehashed)
		return crypto_sign_verify_detached(signature->signature, data, size, key->key) == 0;
	crypto_generichash(hash, sizeof(hash), data, size, NULL, 0);
	return crypto_sign_verify_detached(signature->signature, hash, sizeof(hash), key->key) == 0;
}

static bool comment_signed(const struct minisign_key *key,
			   const struct minisign_signature *signature)
{
	uint8_t both[MINISIGN_SIGNATURE_SIZE + MINISIGN_COMMENT_SIZE];
	size_t length = strlen(signature->comment);

	memcpy(both, signature->signature, MINISIGN_SIGNATURE_SIZE);
	memcpy(both + MINISIGN_SIGNATURE_SIZE, signature->comment, length);
	return crypto_sign_verify_detached(signature->global, both,
					   MINISIGN_SIGNATURE_SIZE + length, key->key) == 0;
}

int minisign_verify(const struct minisign_key *key, const struct minisign_signature *signature,
		    const void *data, size_t size, const char *label, struct suture_error *err)
{
	char wanted[MINISIGN_ID_TEXT], got[MINISIGN_ID_TEXT];

	minisign_id_text(key->id, wanted);
	minisign_id_text(signature->id, got);
	if (memcmp(key->id, signature->id, MINISIGN_ID_SIZE) != 0)
		return error_set(err, SUTURE_E_SIGNATURE, "%s is signed by key %s, not by %s",
				 label, got, wanted);
	if (!data_signed(key, signature, data, size))
		return error_set(err, SUTURE_E_SIGNATURE,
				 "%s is not what key %s has signed: it was changed, or the "
				 "signature is another file's",
				 label, wanted);
	if (!comment_signed(key, signature))
		return error_set(err, SUTURE_E_SIGNATURE,
				 "the trusted comment of %s is not what key %s has signed", label,
				 wanted);
	return 0;
}
