/* SPDX-License-Identifier: MIT */
/*
 * calls_bench [ROUNDS]: what a call costs by each way to a replacement, in one run and in turns:
 * not patched at all, through the jump that the agent writes at an entry (tier 1), through a
 * 14-byte absolute jump, and through an island (a near jump to a far one). Once for a function of
 * two instructions, where each jump is a processor cycle more, and once for one of some ten
 * nanoseconds, whose own work hides them. The least of all rounds counts: whatever else the machine
 * does only adds.
 */
#include "agent/transaction.h"
#include "handmade.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum { CALLS = 100000, WAYS = 4 };

#define TEXT(x)	 TEXT_(x)
#define TEXT_(x) #x
#define STEP	 x = x * 3 + (x >> 7);
#define TINY	 return x * 3 + 1;
/* Straight on: no branch of its own, whose prediction would depend on what comes before. */
#define WORK STEP STEP STEP STEP STEP STEP STEP STEP STEP STEP STEP STEP return x;

/* Alike in all but what happens to them. */
#define SUBJECT(name, body)                                    \
	int name(int x);                                       \
	__attribute__((noinline, aligned(64))) int name(int x) \
	{                                                      \
		__asm__ volatile("" : "+r"(x));                \
		body                                           \
	}
SUBJECT(tiny_unpatched, TINY)
SUBJECT(tiny_patched, TINY)
SUBJECT(tiny_replacement, TINY)
SUBJECT(work_unpatched, WORK)
SUBJECT(work_patched, WORK)
SUBJECT(work_replacement, WORK)

static double nanoseconds(int (*volatile function)(int))
{
	struct timespec before, after;
	int (*call)(int) = function;
	int x = 1;

	clock_gettime(CLOCK_MONOTONIC, &before);
	for (int i = 0; i < CALLS; i++)
		x = call(x);
	clock_gettime(CLOCK_MONOTONIC, &after);
	__asm__ volatile("" : : "r"(x));
	return ((double)(after.tv_sec - before.tv_sec) * 1e9 +
		(double)(after.tv_nsec - before.tv_nsec)) /
	       CALLS;
}

/* jmp *0(%rip); .quad address */
static void write_absolute(uint8_t *at, const void *address)
{
	static const uint8_t jump[6] = {0xff, 0x25};

	memcpy(at, jump, sizeof(jump));
	memcpy(at + sizeof(jump), &address, sizeof(address));
}

/* jmp near: rel32 */
static void write_near(uint8_t *at, const uint8_t *to)
{
	int32_t distance = (int32_t)(to - (at + 5));

	at[0] = 0xe9;
	memcpy(at + 1, &distance, sizeof(distance));
}

static void patch(struct agent *agent, const char *folder)
{
	const struct transaction_options options = {.timeout_ns = UINT64_C(60000000000)};
	struct transaction_result result;
	struct suture_error err;
	struct patch_file file;
	struct handmade made;
	char path[256];

	handmade_init(&made, "calls");
	handmade_code(&made,
		      "__attribute__((aligned(64))) int tiny(int x)\n"
		      "{ __asm__ volatile(\"\" : \"+r\"(x)); " TEXT(
			      TINY) " }\n"
				    "__attribute__((aligned(64))) int work(int x)\n"
				    "{ __asm__ volatile(\"\" : \"+r\"(x)); " TEXT(WORK) " }\n");
	handmade_replace(&made, (const void *)tiny_patched, "tiny");
	handmade_replace(&made, (const void *)work_patched, "work");
	handmade_build(&made, folder, path, sizeof(path));
	handmade_fini(&made);
	if (patch_file_read(path, &file, &err) ||
	    transaction_apply(agent, &file, &options, &result, &err)) {
		fprintf(stderr, "calls_bench: %s\n", err.message);
		exit(1);
	}
	transaction_result_fini(&result);
}

static void measure(const char *what, int (*const ways[WAYS])(int), size_t rounds)
{
	static const char *const names[WAYS] = {"unpatched", "tier 1", "14-byte absolute",
						"island"};
	double least[WAYS] = {0};

	for (size_t round = 0; round < rounds; round++)
		for (size_t way = 0; way < WAYS; way++) {
			double one = nanoseconds(ways[way]);

			if (!round || one < least[way])
				least[way] = one;
		}
	for (size_t way = 0; way < WAYS; way++)
		printf("call of %s, %-17s %6.3f ns  x%.3f\n", what, names[way], least[way],
		       least[way] / least[0]);
}

/* The two long ways, at `at` and 128 bytes behind it. */
static void write_ways(uint8_t *at, const void *replacement)
{
	write_absolute(at, replacement);
	write_near(at + 128, at + 256);
	write_absolute(at + 256, replacement);
}

int main(int argc, char **argv)
{
	size_t rounds = argc > 1 ? (size_t)atol(argv[1]) : 500;
	char folder[] = "/tmp/suture-bench-XXXXXX", command[64];
	uint8_t *page =
		mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint8_t *other = page + 1024;
	int (*const tiny[WAYS])(int) = {tiny_unpatched, tiny_patched, (int (*)(int))page,
					(int (*)(int))(page + 128)};
	int (*const work[WAYS])(int) = {work_unpatched, work_patched, (int (*)(int))other,
					(int (*)(int))(other + 128)};
	static struct agent agent;
	struct suture_error err;

	if (page == MAP_FAILED || !mkdtemp(folder))
		return 1;
	setenv("SUTURE_DIR", folder, 1);
	write_ways(page, (const void *)tiny_replacement);
	write_ways(other, (const void *)work_replacement);
	if (mprotect(page, 4096, PROT_READ | PROT_EXEC) || agent_init(&agent, &err))
		return 1;
	patch(&agent, folder);
	measure("2 instructions", tiny, rounds);
	measure("some 10 ns", work, rounds);
	snprintf(command, sizeof(command), "rm -rf '%s'", folder);
	return system(command) ? 1 : 0;
}
