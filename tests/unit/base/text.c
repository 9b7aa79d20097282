/* SPDX-License-Identifier: MIT */
/* Texts are cut between characters, and nothing that steers a terminal is left in one. */
#include "../test.h"

#include "base/error.h"
#include "base/text.h"

static const char four[] = "a\u00df\u20ac\U0001f3ae"; /* 1, 2, 3 and 4 bytes */

static void characters_have_their_lengths(void **state)
{
	static const char *const none[] = {"\x80",
					   "\xc0\xaf",
					   "\xc3",
					   "\xe0\x9f\x80",
					   "\xed\xa0\x80",
					   "\xe2\x82",
					   "\xe2\x82q",
					   "\xf0\x8f\x80\x80",
					   "\xf4\x90\x80\x80",
					   "\xf5\x80\x80",
					   "\xff"};

	(void)state;
	assert_int_equal(text_char(four), 1);
	assert_int_equal(text_char(four + 1), 2);
	assert_int_equal(text_char(four + 3), 3);
	assert_int_equal(text_char(four + 6), 4);
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		assert_int_equal(text_char(none[i]), 0);
}

static void what_fits_is_whole(void **state)
{
	static const int fits[] = {0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 10};

	(void)state;
	for (size_t size = 0; size < sizeof(fits) / sizeof(fits[0]); size++) {
		char text[sizeof(four)];

		assert_int_equal(text_fit(four, size), fits[size]);
		snprintf(text, size ? size + 1 : 1, "%s", four);
		text_mend(text);
		assert_int_equal(strlen(text), fits[size]);
	}
	/* What is no UTF-8 has no boundaries: it loses nothing but what has no room. */
	assert_int_equal(text_fit("\x80\x80\x80\x80\x80\x80", 4), 4);
	assert_int_equal(text_fit("gr\xf6\xdf", 3), 3);
	assert_int_equal(text_fit("", 4), 0);
}

static void errors_are_cut_so(void **state)
{
	struct suture_error err;
	char longer[600] = "";

	(void)state;
	for (size_t blank = 0; blank < 3; blank++) {
		char *at = longer;

		at += sprintf(at, "%*s", (int)blank, "");
		while (at < longer + sizeof(longer) - 4)
			at += sprintf(at, "\u20ac");
		error_set(&err, SUTURE_E_USAGE, "%s", longer);
		assert_int_equal(strlen(err.message) % 3, blank);
		error_next(&err, "%s", longer);
		assert_int_equal(strlen(err.next) % 3, blank);
		error_context(&err, "%s", "where");
		assert_int_equal(strlen(err.message) % 3, (blank + strlen("where: ")) % 3);
		error_errno(&err, SUTURE_E_USAGE, 0, "%s", longer);
		assert_int_equal(strlen(err.message) % 3, blank);
	}
}

static void what_is_printed_steers_no_terminal(void **state)
{
	char text[] = "\033[2J\tgr\xf6\u00df\xc2\x9b"
		      "31m\x7f\u20ac";

	(void)state;
	text_make_printable(text);
	assert_string_equal(text, "?[2J gr?\u00df??31m?\u20ac");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(characters_have_their_lengths),
		cmocka_unit_test(what_fits_is_whole),
		cmocka_unit_test(errors_are_cut_so),
		cmocka_unit_test(what_is_printed_steers_no_terminal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
