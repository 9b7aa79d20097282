/* SPDX-License-Identifier: MIT */
/*
 * calls_bench [ROUNDS]: what a call costs by each way to a replacement, in one run and in turns:
 * not patched at all, twice (what they differ by is the noise), through the jump that the agent
 * writes at an entry (tier 1), through a 14-byte absolute jump, and through an island (a near jump
 * to a far one). For functions of several sizes, since a jump taken is a cycle of the processor
 * more: of two instructions that is a quarter, and what works for longer hides it. No call waits
 * for what the one before it returned: that would hide every jump.
 *
 * One JSON document: for each way the median of all rounds, the quartiles, and the median of what a
 * round measured against the unpatched call of the same round.
 */
#include "agent/transaction.h"
#include "handmade.h"

#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum { ROUND_NS = 250000, WAYS = 5, WAY_ROOM = 512 };

static const char *const way_names[WAYS] = {"unpatched", "unpatched again", "tier 1",
					    "14-byte absolute", "island"};

#define TEXT(x)	 TEXT_(x)
#define TEXT_(x) #x
#define STEP	 x = x * 3 + (x >> 7);
#define STEPS4	 STEP STEP STEP STEP
#define STEPS16	 STEPS4 STEPS4 STEPS4 STEPS4
/* Straight on: no branch of its own, whose prediction would depend on what comes before. */
#define TINY return x * 3 + 1;
#define S12  STEP STEP STEP return x;
#define S24  STEPS4 STEP STEP return x;
#define S48  STEPS4 STEPS4 STEPS4 return x;
#define S240 STEPS16 STEPS16 STEPS16 STEPS4 STEPS4 STEPS4 return x;

/* Alike in all but what happens to them. */
#define ONE(name, body)                                        \
	int name(int x);                                       \
	__attribute__((noinline, aligned(64))) int name(int x) \
	{                                                      \
		__asm__ volatile("" : "+r"(x));                \
		body                                           \
	}
#define SUBJECT(size, body)         \
	ONE(size##_unpatched, body) \
	ONE(size##_again, body)     \
	ONE(size##_patched, body)   \
	ONE(size##_replacement, body)
SUBJECT(tiny, TINY)
SUBJECT(s12, S12)
SUBJECT(s24, S24)
SUBJECT(s48, S48)
SUBJECT(s240, S240)

static const struct subject {
	const char *name;
	const char *symbol;
	const char *body;
	int (*unpatched)(int);
	int (*again)(int);
	int (*patched)(int);
	int (*replacement)(int);
} subjects[] = {
#define ENTRY(name, size, body)                                                          \
	{                                                                                \
		name, #size, TEXT(body), size##_unpatched, size##_again, size##_patched, \
			size##_replacement                                               \
	}
	ENTRY("2 instructions", tiny, TINY), ENTRY("some 12", s12, S12),
	ENTRY("some 24", s24, S24),	     ENTRY("some 48", s48, S48),
	ENTRY("some 240", s240, S240),
};
enum { SUBJECTS = sizeof(subjects) / sizeof(subjects[0]) };

static double nanoseconds(int (*volatile function)(int), unsigned calls)
{
	struct timespec before, after;
	int (*call)(int) = function;
	int x = 1;

	clock_gettime(CLOCK_MONOTONIC, &before);
	for (unsigned i = 0; i < calls; i++)
		x += call((int)i);
	clock_gettime(CLOCK_MONOTONIC, &after);
	__asm__ volatile("" : : "r"(x));
	return ((double)(after.tv_sec - before.tv_sec) * 1e9 +
		(double)(after.tv_nsec - before.tv_nsec)) /
	       calls;
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

/* The two long ways, at `at` and 128 bytes behind it. */
static void write_ways(uint8_t *at, const void *replacement)
{
	write_absolute(at, replacement);
	write_near(at + 128, at + 256);
	write_absolute(at + 256, replacement);
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
	for (size_t i = 0; i < SUBJECTS; i++) {
		handmade_code(&made, "__attribute__((aligned(64))) int ");
		handmade_code(&made, subjects[i].symbol);
		handmade_code(&made, "(int x) { __asm__ volatile(\"\" : \"+r\"(x)); ");
		handmade_code(&made, subjects[i].body);
		handmade_code(&made, " }\n");
		handmade_replace(&made, (const void *)subjects[i].patched, subjects[i].symbol);
	}
	handmade_build(&made, folder, path, sizeof(path));
	handmade_fini(&made);
	if (patch_file_read(path, &file, &err) ||
	    transaction_apply(agent, &file, &options, &result, &err)) {
		fprintf(stderr, "calls_bench: %s\n", err.message);
		exit(1);
	}
	transaction_result_fini(&result);
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Sorts them. */
static struct json_object *figures(double *values, size_t count)
{
	struct json_object *one = json_object_new_object();
	static const char *const names[] = {"p25", "median", "p75"};
	char text[32];

	qsort(values, count, sizeof(*values), compare);
	for (size_t i = 0; i < 3; i++) {
		double value = values[(i + 1) * count / 4];

		snprintf(text, sizeof(text), "%.4f", value);
		json_object_object_add(one, names[i], json_object_new_double_s(value, text));
	}
	return one;
}

static struct json_object *measure(const struct subject *subject, uint8_t *page, size_t rounds)
{
	int (*const ways[WAYS])(int) = {subject->unpatched, subject->again, subject->patched,
					(int (*)(int))page, (int (*)(int))(page + 128)};
	double *values = calloc(2 * WAYS * rounds, sizeof(*values)), *ratios;
	struct json_object *answer = json_object_new_object();
	unsigned calls = (unsigned)(ROUND_NS / nanoseconds(subject->unpatched, 10000)) + 1;

	if (!values)
		exit(1);
	ratios = values + WAYS * rounds;
	for (size_t round = 0; round < rounds; round++) {
		/* Each way comes first as often as last. */
		for (size_t turn = 0; turn < WAYS; turn++) {
			size_t way = (turn + round) % WAYS;

			values[way * rounds + round] = nanoseconds(ways[way], calls);
		}
		for (size_t way = 0; way < WAYS; way++)
			ratios[way * rounds + round] = values[way * rounds + round] / values[round];
	}
	for (size_t way = 0; way < WAYS; way++) {
		struct json_object *one = figures(values + way * rounds, rounds);

		json_object_object_add(one, "ratio", figures(ratios + way * rounds, rounds));
		json_object_object_add(answer, way_names[way], one);
	}
	free(values);
	return answer;
}

int main(int argc, char **argv)
{
	size_t rounds = argc > 1 ? (size_t)atol(argv[1]) : 400;
	char folder[] = "/tmp/suture-bench-XXXXXX", command[64];
	uint8_t *page =
		mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct json_object *answer = json_object_new_object();
	static struct agent agent;
	struct suture_error err;

	if (page == MAP_FAILED || !mkdtemp(folder) || rounds < 4)
		return 1;
	setenv("SUTURE_DIR", folder, 1);
	for (size_t i = 0; i < SUBJECTS; i++)
		write_ways(page + i * WAY_ROOM, (const void *)subjects[i].replacement);
	if (mprotect(page, 4096, PROT_READ | PROT_EXEC) || agent_init(&agent, &err))
		return 1;
	patch(&agent, folder);
	for (size_t i = 0; i < SUBJECTS; i++)
		json_object_object_add(answer, subjects[i].name,
				       measure(&subjects[i], page + i * WAY_ROOM, rounds));
	puts(json_object_to_json_string_ext(answer, JSON_C_TO_STRING_PLAIN));
	json_object_put(answer);
	snprintf(command, sizeof(command), "rm -rf '%s'", folder);
	return system(command) ? 1 : 0;
}
