/* SPDX-License-Identifier: MIT */
/*
 * Keys and signatures: what was signed here verifies, anything else does not, and damaged texts are
 * refused at every length. Key files are written here with little work for the password; that
 * stock minisign's are understood is shown by e2e/sign.
 */
#include "../test.h"

#include "trust/secret.h"

#include <sodium.h>

static const char data[] = "the bytes of a patch";
static struct minisign_key public;
enum { KEY_TEXT_SIZE = 512 };

static char key_text[KEY_TEXT_SIZE], plain_text[KEY_TEXT_SIZE], locked_text[KEY_TEXT_SIZE];
static const char password[] = "pässword";

static void put_base64(char *to, const char *comment, const void *bytes, size_t size)
{
	char encoded[400];

	sodium_bin2base64(encoded, sizeof(encoded), bytes, size, sodium_base64_VARIANT_ORIGINAL);
	assert_true(snprintf(to, KEY_TEXT_SIZE, "untrusted comment: %s\n%s\n", comment, encoded) <
		    KEY_TEXT_SIZE);
}

/* The three files that minisign -G would write. */
static int make_keys(void **state)
{
	uint8_t record[158] = "EdScB2", open[42] = "Ed", stream[104], sum[42 + 32];
	uint8_t *part = record + 54, pk[32];

	(void)state;
	memset(part, 0xa5, MINISIGN_ID_SIZE);
	crypto_sign_keypair(pk, part + 8);
	memcpy(open + 2, part, MINISIGN_ID_SIZE);
	memcpy(open + 10, pk, sizeof(pk));
	put_base64(key_text, "a key", open, sizeof(open));
	record[2] = record[3] = 0;
	put_base64(plain_text, "a secret", record, sizeof(record));
	memcpy(sum, "Ed", 2);
	memcpy(sum + 2, part, 72);
	crypto_generichash(part + 72, 32, sum, sizeof(sum), NULL, 0);
	memcpy(record + 2, "Sc", 2);
	memset(record + 6, 7, 32);
	record[38 + 2] = 1;  /* 65536 operations */
	record[46 + 2] = 16; /* 1 MiB */
	assert_int_equal(crypto_pwhash_scryptsalsa208sha256(stream, sizeof(stream), password,
							    strlen(password), record + 6, 65536,
							    1 << 20),
			 0);
	for (size_t i = 0; i < sizeof(stream); i++)
		part[i] ^= stream[i];
	put_base64(locked_text, "a secret", record, sizeof(record));
	assert_int_equal(minisign_key_parse(key_text, strlen(key_text), "key", &public, NULL), 0);
	return 0;
}

static int open_key(const char *text, const char *with, struct secret_key *key,
		    struct suture_error *err)
{
	struct secret_file *file = NULL;
	int rc = secret_file_parse(text, strlen(text), "secret", &file, err);

	if (!rc)
		rc = secret_open(file, with, "secret", key, err);
	secret_file_destroy(file);
	return rc;
}

static void sign(struct bytes *text)
{
	struct secret_key key;

	assert_int_equal(open_key(plain_text, NULL, &key, NULL), 0);
	assert_int_equal(secret_sign(&key, data, sizeof(data), "by a test", text, NULL), 0);
	secret_forget(&key);
}

static void what_was_signed_verifies(void **state)
{
	struct minisign_signature signature;
	struct suture_error err;
	struct bytes text = {0};
	char changed[sizeof(data)];

	(void)state;
	sign(&text);
	assert_int_equal(
		minisign_signature_parse((char *)text.data, text.size, "s", &signature, &err), 0);
	assert_true(signature.prehashed);
	assert_string_equal(signature.comment, "by a test");
	assert_int_equal(minisign_verify(&public, &signature, data, sizeof(data), "d", &err), 0);
	for (size_t i = 0; i < sizeof(data); i++) {
		memcpy(changed, data, sizeof(data));
		changed[i] ^= 1;
		assert_int_equal(
			minisign_verify(&public, &signature, changed, sizeof(data), "d", &err),
			-(int)SUTURE_E_SIGNATURE);
	}
	assert_int_equal(minisign_verify(&public, &signature, data, sizeof(data) - 1, "d", &err),
			 -(int)SUTURE_E_SIGNATURE);
	signature.comment[0] = 'B';
	assert_int_equal(minisign_verify(&public, &signature, data, sizeof(data), "d", &err),
			 -(int)SUTURE_E_SIGNATURE);
	bytes_fini(&text);
}

static void another_key_does_not(void **state)
{
	struct minisign_signature signature;
	struct minisign_key other = public;
	struct suture_error err;
	struct bytes text = {0};

	(void)state;
	sign(&text);
	assert_int_equal(
		minisign_signature_parse((char *)text.data, text.size, "s", &signature, &err), 0);
	other.id[0] ^= 1;
	assert_int_equal(minisign_verify(&other, &signature, data, sizeof(data), "d", &err),
			 -(int)SUTURE_E_SIGNATURE);
	assert_non_null(strstr(err.message, "A5A5A5A5A5A5A5A5"));
	other = public;
	other.key[0] ^= 1; /* the id is only a name */
	assert_int_equal(minisign_verify(&other, &signature, data, sizeof(data), "d", &err),
			 -(int)SUTURE_E_SIGNATURE);
	bytes_fini(&text);
}

static void damaged_texts_are_refused(void **state)
{
	struct minisign_signature signature;
	struct minisign_key key;
	struct bytes text = {0};
	struct suture_error err;
	size_t last;

	(void)state;
	sign(&text);
	/* The last line's newline may be missing. */
	last = text.size - 1;
	for (size_t size = 0; size < last; size++)
		assert_int_equal(
			minisign_signature_parse((char *)text.data, size, "s", &signature, &err),
			-(int)SUTURE_E_SIGNATURE);
	for (size_t size = 0; size < strlen(key_text) - 1; size++)
		assert_int_equal(minisign_key_parse(key_text, size, "k", &key, &err),
				 -(int)SUTURE_E_BAD_INPUT);
	/* Each byte another one: refused, or read and then not verified. */
	for (size_t i = 0; i < text.size; i++) {
		/* The first line is a comment that nobody trusts. */
		if (i >= strlen("untrusted comment:") && i < strcspn((char *)text.data, "\n"))
			continue;
		text.data[i] ^= 0x02;
		if (!minisign_signature_parse((char *)text.data, text.size, "s", &signature, &err))
			assert_int_equal(
				minisign_verify(&public, &signature, data, sizeof(data), "d", &err),
				-(int)SUTURE_E_SIGNATURE);
		text.data[i] ^= 0x02;
	}
	bytes_fini(&text);
}

static void passwords(void **state)
{
	struct secret_key key, same;
	struct suture_error err;

	(void)state;
	assert_int_equal(open_key(locked_text, NULL, &key, &err), -(int)SUTURE_E_PERMISSION);
	assert_int_equal(open_key(locked_text, "password", &key, &err), -(int)SUTURE_E_PERMISSION);
	assert_non_null(strstr(err.message, "wrong password"));
	assert_int_equal(open_key(locked_text, password, &key, &err), 0);
	assert_int_equal(open_key(plain_text, NULL, &same, &err), 0);
	assert_memory_equal(&key, &same, sizeof(key));
	secret_forget(&key);
	assert_int_equal(key.key[0], 0);
	/* A flipped bit of an unprotected key: its halves do not fit. */
	plain_text[strlen(plain_text) - 90] ^= 0x04;
	assert_int_equal(open_key(plain_text, NULL, &key, &err), -(int)SUTURE_E_BAD_INPUT);
	plain_text[strlen(plain_text) - 90] ^= 0x04;
	assert_int_equal(open_key(key_text, NULL, &key, &err), -(int)SUTURE_E_BAD_INPUT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_signed_verifies),
		cmocka_unit_test(another_key_does_not),
		cmocka_unit_test(damaged_texts_are_refused),
		cmocka_unit_test(passwords),
	};

	return cmocka_run_group_tests(tests, make_keys, NULL);
}
