/* SPDX-License-Identifier: MIT */
/* Nothing is printed unless asked for; lines are whole and errno is left alone. */
#include "../test.h"

#include "base/log.h"

#include <errno.h>
#include <unistd.h>

/* What was written to standard error while `say` ran. */
static size_t captured(void (*say)(void), char *text, size_t size)
{
	int ends[2], saved = dup(STDERR_FILENO);
	ssize_t got;

	assert_int_equal(pipe(ends), 0);
	dup2(ends[1], STDERR_FILENO);
	say();
	dup2(saved, STDERR_FILENO);
	close(saved);
	close(ends[1]);
	got = read(ends[0], text, size - 1);
	close(ends[0]);
	text[got > 0 ? got : 0] = '\0';
	return got > 0 ? (size_t)got : 0;
}

static void say_all(void)
{
	errno = EXDEV;
	log_error("one %d", 1);
	log_debug("two");
	assert_int_equal(errno, EXDEV);
}

static void say_much(void)
{
	char much[4000];

	memset(much, 'm', sizeof(much) - 1);
	much[sizeof(much) - 1] = '\0';
	log_error("%s", much);
}

static void levels(void **state)
{
	char text[5000];

	(void)state;
	log_set_level(log_level_from_name(NULL));
	assert_int_equal(captured(say_all, text, sizeof(text)), 0);
	log_set_level(log_level_from_name("no-such-level"));
	assert_int_equal(captured(say_all, text, sizeof(text)), 0);
	log_set_level(log_level_from_name("warn"));
	captured(say_all, text, sizeof(text));
	assert_non_null(strstr(text, "error: one 1\n"));
	assert_null(strstr(text, "two"));
	log_set_level(log_level_from_name("debug"));
	captured(say_all, text, sizeof(text));
	assert_non_null(strstr(text, "debug: two\n"));
}

static void long_lines_are_cut_and_end(void **state)
{
	char text[5000];
	size_t size;

	(void)state;
	log_set_level(LOG_LEVEL_ERROR);
	size = captured(say_much, text, sizeof(text));
	assert_true(size > 100 && size < 1300);
	assert_int_equal(text[size - 1], '\n');
	log_set_level(LOG_LEVEL_OFF);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(levels),
		cmocka_unit_test(long_lines_are_cut_and_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
