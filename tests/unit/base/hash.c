/* SPDX-License-Identifier: MIT */
/* The hash is BLAKE2b with 256 bits: compared with values that b2sum -l 256 prints. */
#include "../test.h"

#include "base/hash.h"

static void known_values(void **state)
{
	uint8_t hash[HASH_SIZE];
	char text[HASH_TEXT_SIZE];

	(void)state;
	hash_bytes("", 0, hash);
	hash_text(hash, text);
	assert_string_equal(text,
			    "0e5751c026e543b2e8ab2eb06099daa1d1e5df47778f7787faab45cdf12fe3a8");
	hash_bytes("abc", 3, hash);
	hash_text(hash, text);
	assert_string_equal(text,
			    "bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319");
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(known_values)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
