/* SPDX-License-Identifier: MIT */
/* Secret keys and signing; see secret.h. */
#include "trust/secret.h"

#include "base/error.h"
#include "trust/text.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

enum { CHECKSUM_SIZE = 32, SALT_SIZE = 32 };

/* What the password protects. */
struct secret_part {
	uint8_t id[MINISIGN_ID_SIZE];
	uint8_t key[64];
	uint8_t checksum[CHECKSUM_SIZE];
};

/* As it lies in the file. */
struct secret_file {
	uint8_t algorithm[2];	/* "Ed" */
	uint8_t derivation[2];	/* "Sc": scrypt; zeroes: no password */
	uint8_t checksum_of[2]; /* "B2": BLAKE2b */
	uint8_t salt[SALT_SIZE];
	uint8_t operations[8]; /* little-endian, like the next */
	uint8_t memory[8];
	struct secret_part part;
};

_Static_assert(sizeof(struct secret_file) == 158, "no padding");
_Static_assert(SALT_SIZE == crypto_pwhash_scryptsalsa208sha256_SALTBYTES, "minisign's");

static uint64_t number_of(const uint8_t bytes[8])
{
	uint64_t number = 0;

	for (int i = 7; i >= 0; i--)
		number = number << 8 | bytes[i];
	return number;
}

int secret_file_parse(const char *text, size_t size, const char *label, struct secret_file **file,
		      struct suture_error *err)
{
	struct secret_file *made = calloc(1, sizeof(*made));
	struct text_line line;
	bool found;

	if (!made)
		return error_no_memory(err);
	found = size <= MINISIGN_TEXT_LIMIT && text_next_line(&text, &size, &line);
	if (found && text_begins(&line, "untrusted comment:"))
		found = text_next_line(&text, &size, &line);
	if (!found || !text_base64(&line, (uint8_t *)made, sizeof(*made)) ||
	    memcmp(made->algorithm, "Ed", 2) != 0 || memcmp(made->checksum_of, "B2", 2) != 0 ||
	    (memcmp(made->derivation, "Sc", 2) != 0 && memcmp(made->derivation, "\0\0", 2) != 0)) {
		secret_file_destroy(made);
		error_set(err, SUTURE_E_BAD_INPUT, "%s: not a secret key of minisign", label);
		return error_next(err, "minisign -G makes a pair");
	}
	*file = made;
	return 0;
}

void secret_file_destroy(struct secret_file *file)
{
	if (file)
		sodium_memzero(file, sizeof(*file));
	free(file);
}

bool secret_file_needs_password(const struct secret_file *file)
{
	return file->derivation[0] != 0;
}

static int decrypt(const struct secret_file *file, const char *password, const char *label,
		   struct secret_part *part, struct suture_error *err)
{
	uint64_t memory = number_of(file->memory);
	uint8_t stream[sizeof(*part)];

	/* minisign's own keys ask for 1 GiB; a file that asks for more than 4 was not made by it.
	 */
	if (memory > 4ULL << 30 || number_of(file->operations) > 1ULL << 32)
		return error_set(err, SUTURE_E_BAD_INPUT,
				 "%s asks for an unreasonable amount of work", label);
	/* Chooses the fastest code for this processor. */
	if (sodium_init() < 0)
		return error_set(err, SUTURE_E_INTERNAL, "libsodium does not work here");
	if (crypto_pwhash_scryptsalsa208sha256(stream, sizeof(stream), password, strlen(password),
					       file->salt, number_of(file->operations),
					       (size_t)memory) != 0) {
		error_set(err, SUTURE_E_NO_MEMORY, "opening %s takes %llu MiB of memory", label,
			  (unsigned long long)memory >> 20);
		return error_next(err, "sign where there is more, or with a key without password");
	}
	for (size_t i = 0; i < sizeof(*part); i++)
		((uint8_t *)part)[i] ^= stream[i];
	sodium_memzero(stream, sizeof(stream));
	return 0;
}

static bool checksum_right(const struct secret_file *file, const struct secret_part *part)
{
	crypto_generichash_state state;
	uint8_t checksum[CHECKSUM_SIZE];

	crypto_generichash_init(&state, NULL, 0, sizeof(checksum));
	crypto_generichash_update(&state, file->algorithm, sizeof(file->algorithm));
	crypto_generichash_update(&state, part->id, sizeof(part->id));
	crypto_generichash_update(&state, part->key, sizeof(part->key));
	crypto_generichash_final(&state, checksum, sizeof(checksum));
	return sodium_memcmp(checksum, part->checksum, sizeof(checksum)) == 0;
}

/* The second half of a key follows from the first: keys without a password have no checksum. */
static bool halves_fit(const struct secret_part *part)
{
	uint8_t public[crypto_sign_PUBLICKEYBYTES], again[crypto_sign_SECRETKEYBYTES];
	bool fit;

	crypto_sign_seed_keypair(public, again, part->key);
	fit = sodium_memcmp(again, part->key, sizeof(again)) == 0;
	sodium_memzero(again, sizeof(again));
	return fit;
}

int secret_open(const struct secret_file *file, const char *password, const char *label,
		struct secret_key *key, struct suture_error *err)
{
	struct secret_part part = file->part;
	bool needed = secret_file_needs_password(file);
	int rc = 0;

	if (needed && !password)
		rc = error_set(err, SUTURE_E_PERMISSION, "%s needs its password", label);
	else if (needed)
		rc = decrypt(file, password, label, &part, err);
	if (!rc && needed && !checksum_right(file, &part))
		rc = error_set(err, SUTURE_E_PERMISSION, "%s: wrong password", label);
	if (!rc && !halves_fit(&part))
		rc = error_set(err, SUTURE_E_BAD_INPUT, "%s is damaged", label);
	if (!rc) {
		memcpy(key->id, part.id, sizeof(key->id));
		memcpy(key->key, part.key, sizeof(key->key));
	}
	sodium_memzero(&part, sizeof(part));
	return rc;
}

void secret_forget(struct secret_key *key)
{
	sodium_memzero(key, sizeof(*key));
}

static void add_base64(struct bytes *text, const void *data, size_t size)
{
	char encoded[256];

	sodium_bin2base64(encoded, sizeof(encoded), data, size, sodium_base64_VARIANT_ORIGINAL);
	bytes_add_format(text, "%s\n", encoded);
}

int secret_sign(const struct secret_key *key, const void *data, size_t size, const char *comment,
		struct bytes *text, struct suture_error *err)
{
	struct {
		uint8_t algorithm[2];
		uint8_t id[MINISIGN_ID_SIZE];
		uint8_t signature[MINISIGN_SIGNATURE_SIZE];
	} record = {.algorithm = "ED"};
	uint8_t hash[crypto_generichash_BYTES_MAX], global[MINISIGN_SIGNATURE_SIZE];
	struct bytes both = {0};

	crypto_generichash(hash, sizeof(hash), data, size, NULL, 0);
	memcpy(record.id, key->id, sizeof(record.id));
	crypto_sign_detached(record.signature, NULL, hash, sizeof(hash), key->key);
	bytes_add(&both, record.signature, sizeof(record.signature));
	bytes_add(&both, comment, strlen(comment));
	if (!bytes_ok(&both)) {
		bytes_fini(&both);
		return error_no_memory(err);
	}
	crypto_sign_detached(global, NULL, both.data, both.size, key->key);
	bytes_fini(&both);
	bytes_add_format(text, "untrusted comment: signature from suture build\n");
	add_base64(text, &record, sizeof(record));
	bytes_add_format(text, "trusted comment: %s\n", comment);
	add_base64(text, global, sizeof(global));
	return bytes_ok(text) ? 0 : error_no_memory(err);
}
