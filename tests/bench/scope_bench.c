/* SPDX-License-Identifier: MIT */
/*
 * scope_bench [ROUNDS]: what the choice at the entry of a scoped patch costs: of the arena's hot
 * function, path_next(), which every walking player calls every tick, and of one that does next
 * to nothing, the worst case. Unpatched, through the choice to the old code, and through it to the
 * new code, which is the same source; in turns in one process, by the thread's processor time. And
 * entering a scope. Prints JSON.
 */
#include "agent/transaction.h"
#include "handmade.h"
#include "scope/thread.h"

#include "server/path.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { CALLS = 1000000, MOST_ROUNDS = 101 };

static unsigned rounds = 21;
static struct agent agent;
static struct path_field field;
static volatile int sink;

int do_little(int value);
__attribute__((noinline, aligned(16))) int do_little(int value)
{
	__asm__ volatile("" : "+r"(value));
	return value * 3 + 7;
}

static void fail(const struct suture_error *err)
{
	fprintf(stderr, "scope_bench: %s\n", err->message);
	exit(1);
}

static double now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static double walk_ns(void)
{
	int x = 1, y = 1;
	double from = now_ns();

	for (int i = 0; i < CALLS; i++)
		if (!path_next(&field, &x, &y))
			x = y = 1;
	sink = x + y;
	return (now_ns() - from) / CALLS;
}

static double little_ns(void)
{
	double from = now_ns();
	int value = 0;

	for (int i = 0; i < CALLS; i++)
		value = do_little(value);
	sink = value;
	return (now_ns() - from) / CALLS;
}

static double enter_ns(void)
{
	double from = now_ns();

	for (int i = 0; i < CALLS; i++) {
		scope_enter("room", "42");
		scope_leave();
	}
	return (now_ns() - from) / CALLS;
}

static void make_patch(const char *folder, char *path, size_t size)
{
	struct handmade patch;

	handmade_init(&patch, "scoped");
	handmade_code(&patch, "#define map_rows new_map_rows\n#define path_flood new_path_flood\n"
			      "#define path_next new_path_next\n"
			      "#include \"" ARENA_SOURCE "/server/map.c\"\n"
			      "#include \"" ARENA_SOURCE "/server/path.c\"\n"
			      "int new_little(int value) { __asm__ volatile(\"\" : \"+r\"(value)); "
			      "return value * 3 + 7; }\n");
	handmade_replace(&patch, (const void *)path_next, "new_path_next");
	handmade_replace(&patch, (const void *)do_little, "new_little");
	handmade_build(&patch, folder, path, size);
	handmade_fini(&patch);
}

static void apply(const char *path)
{
	struct transaction_options options = {.timeout_ns = UINT64_C(60000000000),
					      .scope = {.value = "room=42"}};
	struct transaction_result result;
	struct patch_file file;
	struct suture_error err;

	if (patch_file_read(path, &file, &err) ||
	    transaction_apply(&agent, &file, &options, &result, &err))
		fail(&err);
	transaction_result_fini(&result);
}

static void revert(void)
{
	struct transaction_options options = {.timeout_ns = UINT64_C(60000000000)};
	struct transaction_result result;
	struct suture_error err;

	if (transaction_revert(&agent, "scoped", &options, &result, &err))
		fail(&err);
	transaction_result_fini(&result);
}

static int by_value(const void *a, const void *b)
{
	const double *left = a, *right = b;

	return *left < *right ? -1 : *left > *right;
}

static double median(double *values)
{
	qsort(values, rounds, sizeof(*values), by_value);
	return values[rounds / 2];
}

static void print(const char *name, double (*measure)(void), const char *path, bool last)
{
	static double plain[MOST_ROUNDS], old_code[MOST_ROUNDS], new_code[MOST_ROUNDS];

	for (unsigned i = 0; i < rounds; i++) {
		plain[i] = measure();
		apply(path);
		old_code[i] = measure();
		scope_enter("room", "42");
		new_code[i] = measure();
		scope_leave();
		revert();
	}
	printf("\"%s\":{\"unpatched_ns\":%.2f,\"old_ns\":%.2f,\"new_ns\":%.2f,", name,
	       median(plain), median(old_code), median(new_code));
	printf("\"old_ratio\":%.3f,\"new_ratio\":%.3f}%s", median(old_code) / median(plain),
	       median(new_code) / median(plain), last ? "" : ",");
}

int main(int argc, char **argv)
{
	char folder[] = "/tmp/suture-bench-XXXXXX", path[256], command[300];
	struct suture_error err;

	if (argc > 1)
		rounds = (unsigned)atol(argv[1]);
	if (rounds < 1 || rounds > MOST_ROUNDS || !mkdtemp(folder))
		return 2;
	setenv("SUTURE_DIR", folder, 1);
	if (agent_init(&agent, &err))
		fail(&err);
	path_flood(&field, MAP_WIDTH - 2, MAP_HEIGHT - 2);
	make_patch(folder, path, sizeof(path));
	printf("{");
	print("path_next", walk_ns, path, false);
	print("little", little_ns, path, false);
	printf("\"enter_and_leave_ns\":%.1f}\n", enter_ns());
	snprintf(command, sizeof(command), "rm -rf '%s'", folder);
	return system(command) != 0;
}
