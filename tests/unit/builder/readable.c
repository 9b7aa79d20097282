/* SPDX-License-Identifier: MIT */
/* Mangled names in texts for people. */
#include "binary/readable.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static void reads(const char *text, const char *expected)
{
	char *readable = readable_text(text);

	assert_non_null(readable);
	assert_string_equal(readable, expected);
	free(readable);
}

static void names_in_words(void **state)
{
	(void)state;
	reads("it refers to _ZL4guns.", "it refers to guns.");
	reads("used by _ZN6server4fireEi() at fire.cpp:8, inlined into _Z4tickv",
	      "used by server::fire(int) at fire.cpp:8, inlined into tick()");
	reads("_Z4ticki.part.0\n_Z4tickv", "tick(int) [clone .part.0]\ntick()");
	reads("_ZN4game4stepEPZNS_4stepEiE21_ZN4game4stepEi.Frame.actor()",
	      "game::step(int) [clone .actor]");
	reads("_Z4stepi.resume", "step(int) [clone .resume]");
}

static void other_words_stay(void **state)
{
	(void)state;
	reads("", "");
	reads("on_move() of scene.c", "on_move() of scene.c");
	reads("my_Z4tickv _Zebra _Z", "my_Z4tickv _Zebra _Z");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_in_words),
		cmocka_unit_test(other_words_stay),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
