/* SPDX-License-Identifier: MIT */
/* Durations in and out, suggestions, and which exit code outweighs which. */
#include "../test.h"

#include "cli/columns.h"
#include "cli/duration.h"
#include "cli/message.h"
#include "cli/suggest.h"

#include <locale.h>
#include <stdbool.h>

static void durations_are_read(void **state)
{
	static const struct {
		const char *text;
		uint64_t us;
	} cases[] = {
		{"10s", 10000000},   {"5ms", 5000},	   {"2m", 120000000},
		{"2min", 120000000}, {"1us", 1},	   {"1.5s", 1500000},
		{"0.25ms", 250},     {"24h", 86400000000}, {"007s", 7000000},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint64_t us = 0;

		assert_int_equal(duration_parse(cases[i].text, "--timeout", &us, NULL), 0);
		assert_int_equal(us, cases[i].us);
	}
}

static void no_duration_is_refused(void **state)
{
	static const char *const bad[] = {"",
					  "5",
					  "s",
					  "5 s",
					  " 5s",
					  "5s ",
					  "-5s",
					  "+5s",
					  "5S",
					  "5sec",
					  "1e3s",
					  "0s",
					  "0.0ms",
					  ".5s",
					  "5.s",
					  "1.2.3s",
					  "25h",
					  "0x5s",
					  "inf",
					  "1d",
					  "5ss",
					  "0.1us",
					  "99999999999999999999s",
					  "1.1234567s"};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		uint64_t us = 42;
		struct suture_error err;

		assert_int_equal(duration_parse(bad[i], "--timeout", &us, &err),
				 -(int)SUTURE_E_USAGE);
		assert_int_equal(us, 42);
	}
}

static void durations_are_written(void **state)
{
	static const struct {
		uint64_t us;
		const char *text;
	} cases[] = {
		{0, "0 us"},	      {999, "999 us"},
		{1000, "1.0 ms"},     {9949, "9.9 ms"},
		{10000, "10 ms"},     {999999, "999 ms"},
		{1000000, "1.0 s"},   {90000000, "90.0 s"},
		{120000000, "2 min"}, {UINT64_MAX, "307445734561 min"},
	};
	char text[DURATION_TEXT_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		duration_format(cases[i].us, text);
		assert_string_equal(text, cases[i].text);
	}
}

static void the_nearest_word_is_suggested(void **state)
{
	static const char *const names[] = {"apply", "check", "list", "revert", "timeout", NULL};
	char huge[500];

	(void)state;
	assert_string_equal(suggest_nearest("aplly", names), "apply");
	assert_string_equal(suggest_nearest("revret", names), "revert");
	assert_string_equal(suggest_nearest("tiemout", names), "timeout");
	assert_string_equal(suggest_nearest("lst", names), "list");
	assert_null(suggest_nearest("xyz", names));
	assert_null(suggest_nearest("", names));
	assert_int_equal(suggest_distance("ab", "ba"), 1);
	assert_int_equal(suggest_distance("", "abc"), 3);
	memset(huge, 'a', sizeof(huge) - 1);
	huge[sizeof(huge) - 1] = '\0';
	assert_null(suggest_nearest(huge + 300, names));
}

static void the_worse_code_wins(void **state)
{
	(void)state;
	assert_int_equal(message_worse(0, 0), 0);
	assert_int_equal(message_worse(0, 5), 5);
	assert_int_equal(message_worse(5, 3), 3);
	assert_int_equal(message_worse(4, 5), 4);
	assert_int_equal(message_worse(7, 4), 7);
	assert_int_equal(message_worse(8, 1), 8);
	assert_int_equal(message_worse(6, 1), 6);
}

static void text_from_elsewhere_is_harmless(void **state)
{
	char *text = NULL;
	size_t size;
	FILE *file = open_memstream(&text, &size);

	(void)state;
	message_put(file, "a\033[2Jb\tc\n\x7f\xc3\xbc");
	fclose(file);
	assert_string_equal(text, "a?[2Jb c??\xc3\xbc");
	free(text);
}

static void columns_are_those_of_a_terminal(void **state)
{
	static const char *const locales[] = {"C.UTF-8", "en_US.UTF-8"};
	bool known = false;

	(void)state;
	for (size_t i = 0; i < 2 && !known; i++)
		known = setlocale(LC_CTYPE, locales[i]);
	if (!known)
		skip();
	assert_int_equal(columns_of("arena"), 5);
	assert_int_equal(columns_of("gr\u00f6\u00dfe"), 5);
	assert_int_equal(columns_of("\u6e38\u620f"), 4); /* two wide ones */
	assert_int_equal(columns_of("e\u0301"), 1);	 /* an accent of its own */
	assert_int_equal(columns_of("a\xff"), 2);
	assert_int_equal(columns_fit("\u6e38\u620f", 3), 3);
	assert_int_equal(columns_fit("\u6e38\u620f", 4), 6);
	assert_int_equal(columns_fit("gr\u00f6\u00dfe", 3), 4);
	assert_int_equal(columns_fit("arena", 80), 5);
	setlocale(LC_CTYPE, "C");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(columns_are_those_of_a_terminal),
		cmocka_unit_test(durations_are_read),
		cmocka_unit_test(no_duration_is_refused),
		cmocka_unit_test(durations_are_written),
		cmocka_unit_test(the_nearest_word_is_suggested),
		cmocka_unit_test(the_worse_code_wins),
		cmocka_unit_test(text_from_elsewhere_is_harmless),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
