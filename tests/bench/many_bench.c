/* SPDX-License-Identifier: MIT */
/*
 * many_bench [ROUNDS]: what a thousand functions in one patch add to the pause, how long it takes
 * to prepare them, and how much memory that is. Two patches written by hand, of one function and of
 * all, are applied and reverted in turn in a process of 10 sleeping threads; medians of the pause.
 */
#include "agent/transaction.h"
#include "handmade.h"

#include <malloc.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { FUNCTIONS = 1000, SLEEPERS = 10 };

#define TEN(X, n) \
	X(n##0)   \
	X(n##1)   \
	X(n##2)   \
	X(n##3)   \
	X(n##4)   \
	X(n##5)   \
	X(n##6)   \
	X(n##7)   \
	X(n##8)   \
	X(n##9)
#define HUNDRED(X, n) \
	TEN(X, n##0)  \
	TEN(X, n##1)  \
	TEN(X, n##2)  \
	TEN(X, n##3) TEN(X, n##4) TEN(X, n##5) TEN(X, n##6) TEN(X, n##7) TEN(X, n##8) TEN(X, n##9)
#define THOUSAND(X)   \
	HUNDRED(X, 0) \
	HUNDRED(X, 1) \
	HUNDRED(X, 2) \
	HUNDRED(X, 3) \
	HUNDRED(X, 4) HUNDRED(X, 5) HUNDRED(X, 6) HUNDRED(X, 7) HUNDRED(X, 8) HUNDRED(X, 9)

#define DEFINE(n)                                     \
	int many_##n(int x);                          \
	__attribute__((noinline)) int many_##n(int x) \
	{                                             \
		__asm__ volatile("" : "+r"(x));       \
		return x * 3 + 1##n;                  \
	}
THOUSAND(DEFINE)

#define ADDRESS(n) many_##n,
static int (*const all[])(int) = {THOUSAND(ADDRESS)};

static void *sleeper(void *arg)
{
	all[0](1);
	pause();
	return arg;
}

static void make(const char *folder, const char *name, size_t count, char *path, size_t size)
{
	struct handmade patch;
	char text[128], by[32];

	handmade_init(&patch, name);
	for (size_t i = 0; i < count; i++) {
		snprintf(by, sizeof(by), "new_%zu", i);
		snprintf(text, sizeof(text), "int %s(int x) { return x * 5 + %zu; }\n", by, i);
		handmade_code(&patch, text);
		handmade_replace(&patch, (const void *)all[i], by);
	}
	handmade_build(&patch, folder, path, size);
	handmade_fini(&patch);
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static void fail(const struct suture_error *err)
{
	fprintf(stderr, "many_bench: %s\n", err->message);
	exit(1);
}

/* The first apply of all: the file is loaded, every jump and island is planned and made. */
static void measure_first(struct agent *agent, const char *path, const char *name)
{
	const struct transaction_options options = {.timeout_ns = UINT64_C(60000000000)};
	size_t heap = mallinfo2().uordblks, near[2], mapped;
	struct transaction_result result;
	const struct patch *patch;
	struct suture_error err;
	struct patch_file file;

	near_usage(&agent->near, &mapped, &near[0]);
	if (patch_file_read(path, &file, &err) ||
	    transaction_apply(agent, &file, &options, &result, &err))
		fail(&err);
	near_usage(&agent->near, &mapped, &near[1]);
	heap = mallinfo2().uordblks - heap;
	patch = agent_find(agent, name);
	printf("apply %d functions: prepared in %.1f ms, %.1f ms in all\n", FUNCTIONS,
	       (double)result.prepare_us / 1e3, (double)result.total_us / 1e3);
	printf("memory per patched function: %zu bytes of heap (%zu of them the patch file), %zu "
	       "of "
	       "islands, %zu of the patch's mapping\n",
	       heap / FUNCTIONS, patch->file.size / FUNCTIONS, (near[1] - near[0]) / FUNCTIONS,
	       (size_t)(patch->load.end - patch->load.start) / FUNCTIONS);
	transaction_result_fini(&result);
	if (transaction_revert(agent, name, &options, &result, &err))
		fail(&err);
	transaction_result_fini(&result);
}

static uint64_t measure(struct agent *agent, const char *path, const char *name, size_t rounds)
{
	const struct transaction_options options = {.timeout_ns = UINT64_C(60000000000)};
	uint64_t *pauses = calloc(rounds * 2, sizeof(*pauses)), median;
	enum stop_rung rung = STOP_RUNG_AUTO;
	struct transaction_result result;
	struct suture_error err;
	struct patch_file file;

	for (size_t i = 0; i < rounds; i++) {
		if (patch_file_read(path, &file, &err) ||
		    transaction_apply(agent, &file, &options, &result, &err))
			fail(&err);
		pauses[2 * i] = result.pause_us;
		rung = result.rung;
		transaction_result_fini(&result);
		if (transaction_revert(agent, name, &options, &result, &err))
			fail(&err);
		pauses[2 * i + 1] = result.pause_us;
		transaction_result_fini(&result);
	}
	qsort(pauses, rounds * 2, sizeof(*pauses), compare);
	median = pauses[rounds];
	printf("%-5s %-4s pause %8.3f ms (p95 %8.3f)\n", stop_rung_name(rung), name,
	       (double)median / 1e3, (double)pauses[rounds * 2 * 95 / 100] / 1e3);
	free(pauses);
	return median;
}

int main(int argc, char **argv)
{
	size_t rounds = argc > 1 ? (size_t)atol(argv[1]) : 20;
	char folder[] = "/tmp/suture-bench-XXXXXX", one_path[256], all_path[256], command[64];
	static struct agent agent;
	struct suture_error err;
	pthread_t thread;
	uint64_t one, many;

	if (!mkdtemp(folder))
		return 1;
	setenv("SUTURE_DIR", folder, 1);
	if (agent_init(&agent, &err))
		fail(&err);
	make(folder, "one", 1, one_path, sizeof(one_path));
	make(folder, "all", FUNCTIONS, all_path, sizeof(all_path));
	for (size_t i = 0; i < SLEEPERS; i++)
		pthread_create(&thread, NULL, sleeper, NULL);
	measure_first(&agent, all_path, "all");
	one = measure(&agent, one_path, "one", rounds);
	many = measure(&agent, all_path, "all", rounds);
	printf("%d functions add %.3f ms\n", FUNCTIONS, ((double)many - (double)one) / 1e3);
	snprintf(command, sizeof(command), "rm -rf '%s'", folder);
	return system(command) ? 1 : 0;
}
