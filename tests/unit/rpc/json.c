/* SPDX-License-Identifier: MIT */
/* Parsing beside a program that does as it likes with its locale. */
#include "../test.h"

#include "rpc/json.h"

#include <locale.h>
#include <pthread.h>
#include <stdatomic.h>

enum { TEXTS = 20000, DEPTH = 8, VALUES = 64 };

static const char text[] = "{\"method\":\"hello\",\"params\":{\"half\":0.5}}";

static struct json_object *parsed(void)
{
	struct json_object *value = NULL;
	struct suture_error err;

	assert_int_equal(rpc_json_parse(text, sizeof(text) - 1, DEPTH, VALUES, &value, &err), 0);
	return value;
}

static atomic_bool over;

/* To and fro between one whose name is a constant of libc's and one whose name is allocated. */
static void *change_locale(void *arg)
{
	(void)arg;
	while (!atomic_load(&over)) {
		setlocale(LC_ALL, "C.UTF-8");
		setlocale(LC_ALL, "C");
	}
	return NULL;
}

/* json-c's own way overran its copy of the names in some of a hundred texts. */
static void test_the_program_changes_its_locale(void **state)
{
	pthread_t thread;

	(void)state;
	if (!setlocale(LC_ALL, "C.UTF-8")) {
		print_message("no locale C.UTF-8 here\n");
		skip();
	}
	assert_int_equal(pthread_create(&thread, NULL, change_locale, NULL), 0);
	for (int i = 0; i < TEXTS; i++)
		json_object_put(parsed());
	atomic_store(&over, true);
	pthread_join(thread, NULL);
	setlocale(LC_ALL, "C");
}

/* A thread that asks keeps the locale it had: hooks run on it, and they are the program's. */
static void test_the_threads_locale_is_as_before(void **state)
{
	locale_t own = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);

	(void)state;
	json_object_put(parsed());
	assert_ptr_equal(uselocale((locale_t)0), LC_GLOBAL_LOCALE);
	if (!own) {
		print_message("no locale C.UTF-8 here\n");
		skip();
	}
	uselocale(own);
	json_object_put(parsed());
	assert_ptr_equal(uselocale((locale_t)0), own);
	uselocale(LC_GLOBAL_LOCALE);
	freelocale(own);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_program_changes_its_locale),
		cmocka_unit_test(test_the_threads_locale_is_as_before),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
