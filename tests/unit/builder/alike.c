/* SPDX-License-Identifier: MIT */
/* Which refusals are folded into one by a report. */
#include "builder/alike.h"
#include "builder/report.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Are they alike, and by which word do they differ first? */
static const char *named(const char *a, const char *b)
{
	static char text[64];
	const struct refusal left = {.message = (char *)a, .next = (char *)"wait"};
	const struct refusal right = {.message = (char *)b, .next = (char *)"wait"};
	const char *name;
	size_t length;

	if (!alike(&left, &right, &name, &length))
		return NULL;
	assert_true(length < sizeof(text));
	memcpy(text, name, length);
	text[length] = '\0';
	return text;
}

static void one_thing_after_the_other(void **state)
{
	(void)state;
	assert_string_equal(named("tick in a.c runs", "step in a.c runs"), "step");
	assert_string_equal(named("tick in a.c runs", "step in b.c runs"), "step");
	assert_string_equal(named("a.c fails:\n  no x", "b.c fails:\n  no x"), "b.c");
	assert_string_equal(named("all fail", "all fail"), "");
}

static void other_sentences(void **state)
{
	(void)state;
	assert_null(named("tick in a.c runs", "tick in a.c runs at start"));
	assert_null(named("tick of a.c changes: 1", "step of b.c changes: 2"));
	assert_null(named("a.c fails:\n  no x", "a.c fails: no x"));
	assert_null(named("", "a"));
}

static void other_ways_out(void **state)
{
	const struct refusal with = {.message = (char *)"a is new", .next = (char *)"wait"};
	const struct refusal without = {.message = (char *)"b is new"};
	const char *name;
	size_t length;

	(void)state;
	assert_false(alike(&with, &without, &name, &length));
	assert_false(alike(&without, &with, &name, &length));
	assert_true(alike(&without, &without, &name, &length));
}

static void said_once(void **state)
{
	struct refusals refusals = {0};

	(void)state;
	refusals_add(&refusals, SUTURE_E_UNSUPPORTED, "a.c", 1, "wait", "%s is new", "a");
	refusals_add(&refusals, SUTURE_E_UNSUPPORTED, "a.c", 1, "wait", "%s is new", "a");
	refusals_add(&refusals, SUTURE_E_UNSUPPORTED, "a.c", 2, "wait", "%s is new", "a");
	refusals_add(&refusals, SUTURE_E_UNSUPPORTED, NULL, 1, "wait", "%s is new", "a");
	assert_int_equal(refusals.count, 3);
	assert_int_equal(refusals_check(&refusals, NULL), 0);
	refusals_fini(&refusals);
}

static void many_of_a_kind(void **state)
{
	const struct report_style plain = {0};
	struct build_result result = {.outcome = CORE_REFUSED};
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	(void)state;
	assert_non_null(out);
	for (int i = 0; i < 10; i++)
		refusals_add(&result.refusals, SUTURE_E_UNSUPPORTED, "a.c", 0, "wait",
			     "on_%d in a.c is new", i);
	refusals_add(&result.refusals, SUTURE_E_UNSUPPORTED, "a.c", 0, NULL, "a.c is old");
	report_text(&result, &plain, out, out);
	fclose(out);
	assert_string_equal(text, "suture: refused: on_0 in a.c is new (UNSUPPORTED)\n"
				  "suture: refused: on_1 in a.c is new (UNSUPPORTED)\n"
				  "suture: refused: on_2 in a.c is new (UNSUPPORTED)\n"
				  "  and 7 more like it: on_3, on_4, on_5, on_6 and 3 more\n"
				  "  next: wait\n"
				  "suture: refused: a.c is old (UNSUPPORTED)\n"
				  "  no patch was written, the source tree was not changed\n");
	free(text);
	refusals_fini(&result.refusals);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_thing_after_the_other),
		cmocka_unit_test(other_sentences),
		cmocka_unit_test(other_ways_out),
		cmocka_unit_test(said_once),
		cmocka_unit_test(many_of_a_kind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
