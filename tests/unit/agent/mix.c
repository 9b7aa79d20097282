/* SPDX-License-Identifier: MIT */
/*
 * Never a mix, through whole transactions: two functions are replaced and restored while threads
 * call them all the time. Old ones check at entry and at exit that no new one has run yet. Their
 * caller, which the patch wants idle, checks that what it calls in one breath is of one version.
 *
 * mix [ROUNDS]: how often; the suite does 1,000.
 */
#include "../test.h"

#include "agent/transaction.h"
#include "handmade.h"

#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

enum { OLD = 1, NEW = 2, CALLERS = 4 };

/* Read anew by each call: a compiler may otherwise give callers the constant without the call. */
static volatile int old_answer = OLD;

int mix_first(void);
int mix_second(void);
int mix_body(void);
int mix_pair(void);

/* Read by the patch through slots, hence no atomics of C11 in its text: plain words, volatile. */
volatile unsigned mix_round, mix_ran_in;
static volatile bool before_switch; /* from before an apply until after it */
static _Atomic unsigned long mixes, torn, calls;
static atomic_int quit;
static unsigned rounds = 1000;

/* Not while the revert is under way: then old ones rightly run after new ones. */
static void check_no_new_ran(void)
{
	if (before_switch && mix_ran_in == mix_round)
		mixes++;
}

__attribute__((noinline, used)) int mix_body(void)
{
	check_no_new_ran();
	for (volatile int i = 0; i < 50; i++)
		;
	check_no_new_ran();
	return old_answer;
}

/*
 * One with a first instruction of four bytes, the other of one, and not at the start of a word. The
 * bytes behind the first lead far below the program, where memory is free.
 */
#define ENTRY(name, offset, first)                                                      \
	__asm__(".text\n.p2align 4\n.fill " #offset ", 1, 0xcc\n"                       \
		".globl " #name "\n.type " #name ", @function\n" #name ":\n"            \
		".cfi_startproc\n" first "\n.cfi_adjust_cfa_offset 8\nmov %eax, %eax\n" \
		"sub $16, %rsp\n.cfi_adjust_cfa_offset 16\ncall mix_body\n"             \
		"add $24, %rsp\n.cfi_adjust_cfa_offset -24\nret\n.cfi_endproc\n"        \
		".size " #name ", . - " #name "\n")
ENTRY(mix_first, 0, "sub $8, %rsp");
ENTRY(mix_second, 5, "push %rbx\n mov %rsp, %rax");

__attribute__((noinline)) int mix_pair(void)
{
	int first = mix_first();

	calls++;
	return first == mix_second();
}

static void *call(void *arg)
{
	while (!quit) {
		if (!mix_pair())
			torn++;
		/* Most of the time outside: the pair must be idle to be replaced. */
		if ((size_t)arg % 2)
			usleep(50);
		for (volatile int i = 0; i < 3000; i++)
			;
	}
	return NULL;
}

static void make_patch(const char *folder, char *path, size_t size)
{
	struct handmade patch;

	handmade_init(&patch, "mix");
	handmade_code(&patch, "volatile unsigned *now = (void *)1, *ran_in = (void *)1;\n"
			      "int new_first(void) { *ran_in = *now; return 2; }\n"
			      "int new_second(void) { *ran_in = *now; return 2; }\n");
	handmade_slot(&patch, "now", handmade_target(&patch, (const void *)&mix_round));
	handmade_slot(&patch, "ran_in", handmade_target(&patch, (const void *)&mix_ran_in));
	handmade_replace(&patch, mix_first, "new_first");
	handmade_replace(&patch, mix_second, "new_second");
	handmade_idle(&patch, mix_pair, handmade_size(mix_pair), "mix_pair");
	handmade_build(&patch, folder, path, size);
	handmade_fini(&patch);
}

static void never_a_mix(void **state)
{
	static struct agent agent;
	struct transaction_options options = {.timeout_ns = UINT64_C(60000000000)};
	struct transaction_result result;
	pthread_t threads[CALLERS];
	struct patch_file file;
	struct suture_error err;
	unsigned lazy = 0;
	char folder[128], path[256];

	(void)state;
	test_folder_make(folder, sizeof(folder));
	setenv("SUTURE_DIR", folder, 1);
	assert_int_equal(agent_init(&agent, &err), 0);
	make_patch(folder, path, sizeof(path));
	for (size_t i = 0; i < CALLERS; i++)
		pthread_create(&threads[i], NULL, call, (void *)i);
	for (unsigned i = 0; i < rounds; i++) {
		int rc = patch_file_read(path, &file, &err);

		if (rc)
			fail_msg("%s", err.message);
		mix_round = i + 1;
		before_switch = true;
		rc = transaction_apply(&agent, &file, &options, &result, &err);
		if (rc)
			fail_msg("%s: %s", suture_code_name(err.code), err.message);
		lazy += result.rung == STOP_RUNG_LAZY;
		transaction_result_fini(&result);
		assert_int_equal(mix_first(), NEW);
		before_switch = false;
		rc = transaction_revert(&agent, "mix", &options, &result, &err);
		if (rc)
			fail_msg("%s: %s", suture_code_name(err.code), err.message);
		transaction_result_fini(&result);
		assert_int_equal(mix_second(), OLD);
	}
	quit = 1;
	for (size_t i = 0; i < CALLERS; i++)
		pthread_join(threads[i], NULL);
	print_message("%u applies (%u lazy), %lu pairs called, %lu mixes, %lu torn\n", rounds, lazy,
		      calls, mixes, torn);
	assert_int_equal(lazy, rounds);
	assert_int_equal(mixes, 0);
	assert_int_equal(torn, 0);
	test_folder_remove(folder);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(never_a_mix),
	};

	if (argc > 1)
		rounds = (unsigned)atol(argv[1]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
