/* SPDX-License-Identifier: MIT */
/*
 * Applies and reverts for long, under a mixed load: threads that allocate, load and unload a
 * library, throw, spin, sleep, are born and end, all calling what is patched. Every answer is the
 * old or the new one; at the end the bytes are the old ones, every thread goes on, and memory has
 * not grown.
 *
 * stress [ROUNDS [SECONDS]]: the suite does 2,000, ./dev bench 100,000 in ten minutes at most.
 */
#include "../test.h"

#include "agent/transaction.h"
#include "handmade.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

int stress_throw(int x);
int stress_first(int x);
int stress_second(int x);

static volatile int one = 1;

__attribute__((noinline)) int stress_first(int x)
{
	return x + one;
}

__attribute__((noinline)) int stress_second(int x)
{
	return stress_first(x) + one;
}

static unsigned long rounds = 2000, seconds = 600;
static atomic_bool quit;
static _Atomic unsigned long wrong;

static void call(void)
{
	int first = stress_first(1), second = stress_second(1);

	if ((first != 2 && first != 100) || (second != 3 && second != 101 && second != 200))
		wrong++;
}

/* ---- the load -------------------------------------------------------------------------------- */

static void allocate(void)
{
	void *pieces[32];

	for (size_t i = 0; i < 32; i++)
		pieces[i] = malloc(i * 700 + 1);
	for (size_t i = 0; i < 32; i++)
		free(pieces[i]);
}

static void load(void)
{
	void *library = dlopen("libutil.so.1", RTLD_NOW | RTLD_LOCAL);

	if (library)
		dlclose(library);
	usleep(1000);
}

static void throw(void)
{
	if (!stress_throw(1))
		wrong++;
}

static void spin(void)
{
	for (volatile int i = 0; i < 2000; i++)
		;
}

static void sleep_a_little(void)
{
	usleep(200);
}

static void *born_and_gone(void *arg)
{
	call();
	return arg;
}

static void bear(void)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, born_and_gone, NULL) == 0)
		pthread_join(thread, NULL);
	usleep(500);
}

static void (*const kinds[])(void) = {allocate, load, throw, spin, sleep_a_little, bear};
enum { THREADS = sizeof(kinds) / sizeof(kinds[0]) };
static _Atomic unsigned long turns[THREADS];

static void *live(void *arg)
{
	size_t kind = (size_t)arg;

	while (!quit) {
		kinds[kind]();
		call();
		turns[kind]++;
	}
	return NULL;
}

/* ---- the cycles ------------------------------------------------------------------------------ */

static unsigned long resident_kib(void)
{
	unsigned long size = 0, resident = 0;
	FILE *file = fopen("/proc/self/statm", "re");

	if (file) {
		if (fscanf(file, "%lu %lu", &size, &resident) != 2)
			resident = 0;
		fclose(file);
	}
	return resident * 4;
}

static void make_patch(const char *folder, char *path, size_t size)
{
	struct handmade patch;

	handmade_init(&patch, "stress");
	handmade_code(&patch, "int new_first(int x) { return x + 99; }\n"
			      "int new_second(int x) { return x + 199; }\n");
	handmade_replace(&patch, stress_first, "new_first");
	handmade_replace(&patch, stress_second, "new_second");
	handmade_build(&patch, folder, path, size);
	handmade_fini(&patch);
}

static void cycle(struct agent *agent, const char *path, unsigned long round)
{
	static const enum stop_rung rungs[] = {STOP_RUNG_AUTO, STOP_RUNG_AUTO, STOP_RUNG_FULL};
	struct transaction_options options = {.timeout_ns = UINT64_C(120000000000),
					      .rung = rungs[round % 3]};
	struct transaction_result result;
	struct patch_file file;
	struct suture_error err;
	int rc = patch_file_read(path, &file, &err);

	if (!rc)
		rc = transaction_apply(agent, &file, &options, &result, &err);
	if (rc)
		fail_msg("round %lu: %s: %s", round, suture_code_name(err.code), err.message);
	transaction_result_fini(&result);
	assert_int_equal(stress_second(1), 200);
	rc = transaction_revert(agent, "stress", &options, &result, &err);
	if (rc)
		fail_msg("round %lu: %s: %s", round, suture_code_name(err.code), err.message);
	transaction_result_fini(&result);
	assert_int_equal(stress_second(1), 3);
}

static void applied_and_reverted_under_a_mixed_load(void **state)
{
	static struct agent agent;
	unsigned long round, early = 0, late, before[THREADS];
	uint8_t bytes[2][64];
	pthread_t threads[THREADS];
	struct suture_error err;
	char folder[128], path[256];
	time_t start = time(NULL), end = start + (time_t)seconds;

	(void)state;
	memcpy(bytes[0], (const void *)stress_first, 32);
	memcpy(bytes[0] + 32, (const void *)stress_second, 32);
	test_folder_make(folder, sizeof(folder));
	setenv("SUTURE_DIR", folder, 1);
	assert_int_equal(agent_init(&agent, &err), 0);
	make_patch(folder, path, sizeof(path));
	for (size_t i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, live, (void *)i);
	for (round = 0; round < rounds && time(NULL) < end; round++) {
		cycle(&agent, path, round);
		/* Of the cycles or of the time, whichever ends it. */
		if (!early && (round >= rounds / 10 || time(NULL) - start >= (end - start) / 10))
			early = resident_kib();
	}
	late = resident_kib();
	for (size_t i = 0; i < THREADS; i++)
		before[i] = turns[i];
	for (size_t i = 0; i < THREADS; i++)
		while (turns[i] == before[i])
			usleep(1000);
	quit = true;
	for (size_t i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	memcpy(bytes[1], (const void *)stress_first, 32);
	memcpy(bytes[1] + 32, (const void *)stress_second, 32);
	print_message("%lu cycles, resident %lu KiB after a tenth, %lu KiB at the end\n", round,
		      early, late);
	assert_int_equal(wrong, 0);
	assert_memory_equal(bytes[0], bytes[1], sizeof(bytes[0]));
#ifndef __SANITIZE_ADDRESS__
	/* The allocator's own coming and going is in it; ASan's keeps 256 MiB of what was freed. */
	assert_true(late < early + 8192);
#endif
	test_folder_remove(folder);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(applied_and_reverted_under_a_mixed_load),
	};

	if (argc > 1)
		rounds = strtoul(argv[1], NULL, 10);
	if (argc > 2)
		seconds = strtoul(argv[2], NULL, 10);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
