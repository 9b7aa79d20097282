/* SPDX-License-Identifier: MIT */
/*
 * Who traces a process: nobody, somebody, nobody one that is gone. And how many filters are over
 * it: one more after it took one.
 */
#include "../test.h"

#include "base/restraint.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

static void names_the_tracer(void **state)
{
	pid_t child = fork();

	(void)state;
	if (child == 0)
		for (;;)
			pause();
	assert_int_equal(tracer_of(child), 0);
	if (ptrace(PTRACE_SEIZE, child, 0, 0)) {
		kill(child, SIGKILL);
		waitpid(child, NULL, 0);
		skip();
	}
	assert_int_equal(tracer_of(child), getpid());
	kill(child, SIGKILL);
	assert_int_equal(waitpid(child, NULL, 0), child);
	assert_int_equal(tracer_of(child), 0);
}

static void counts_the_filters(void **state)
{
	struct sock_filter program[] = {BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
	struct sock_fprog filter = {1, program};
	int before = filters_of(getpid()), status;
	pid_t child;

	(void)state;
	if (before < 0)
		skip();
	child = fork();
	if (child == 0) {
		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
		    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter))
			_exit(77);
		_exit(filters_of(getpid()) != before + 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(filters_of(child), -1);
	if (WEXITSTATUS(status) == 77)
		skip();
	assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_the_tracer),
		cmocka_unit_test(counts_the_filters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
