/* SPDX-License-Identifier: MIT */
/* Who traces a process: nobody, somebody, nobody any more, and of one that is gone. */
#include "../test.h"

#include "base/tracer.h"

#include <signal.h>
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_the_tracer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
