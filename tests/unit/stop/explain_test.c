/* SPDX-License-Identifier: MIT */
/* What an operator reads when a stop failed: what to allow, who is in the way, what it took. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs the ones above */
#include <cmocka.h>

#include "stop/session.h"

#include <errno.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void assert_allows(struct explain_permission permission, const char *words)
{
	const char *text = explain_what_to_allow(&permission);

	if (!strstr(text, words))
		fail_msg("no '%s' in: %s", words, text);
}

static void a_refusal_says_what_to_allow(void **state)
{
	(void)state;
	assert_allows((struct explain_permission){.dumpable = true, .yama_scope = 3},
		      "ptrace_scope is 3, which only a reboot undoes");
	assert_allows((struct explain_permission){.dumpable = true, .yama_scope = 2},
		      "ptrace_scope is 2: set it to 1, or give the process CAP_SYS_PTRACE");
	/* At 1 the helper is named to Yama (PR_SET_PTRACER): that is not the reason then. */
	assert_allows((struct explain_permission){.dumpable = true, .yama_scope = 1},
		      "a security module");
	assert_allows((struct explain_permission){.dumpable = true, .filtered = true}, "seccomp");
	assert_allows((struct explain_permission){.yama_scope = 2, .filtered = true},
		      "PR_SET_DUMPABLE");
	assert_allows((struct explain_permission){.dumpable = true}, "safe point");
	/* As varnish's manager: nothing of the machine forbids it. */
	assert_allows((struct explain_permission){.dumpable = true, .mixed = true, .yama_scope = 3},
		      "saved user or group ids are not the same");
}

static struct stop_result blocked_by(enum stop_reason reason)
{
	struct stop_result result = {.blocker_count = 1, .threads = 12};

	result.blockers[0] =
		(struct stop_blocker){.tid = gettid(), .comm = "physics", .reason = reason};
	return result;
}

static void the_thread_and_the_errno_are_named(void **state)
{
	struct stop_result result = blocked_by(STOP_REASON_REFUSED);
	struct suture_error err;

	(void)state;
	assert_int_equal(explain_outcome(OUTCOME_REFUSED, EPERM, &result, &err),
			 -SUTURE_E_PERMISSION);
	assert_non_null(strstr(err.message, "physics"));
	assert_non_null(strstr(err.message, "can't be stopped by ptrace"));
	assert_non_null(strstr(err.message, strerror(EPERM)));
	assert_true(err.next[0]);
}

/* Nobody traces us: its name can't be told, that it is a tracer can. */
static void a_tracer_is_to_be_detached(void **state)
{
	struct stop_result result = blocked_by(STOP_REASON_TRACED);
	struct suture_error err;

	(void)state;
	assert_int_equal(explain_outcome(OUTCOME_REFUSED, EPERM, &result, &err),
			 -SUTURE_E_PERMISSION);
	assert_non_null(strstr(err.message, "(physics) is traced by"));
	assert_non_null(strstr(err.next, "detach"));
}

static void over_the_budget_says_what_it_took(void **state)
{
	struct stop_result result = {.threads = 12, .longest_failed_pause_ns = 7654321};
	struct suture_error err;

	(void)state;
	assert_int_equal(explain_outcome(OUTCOME_OVER_BUDGET, 0, &result, &err),
			 -SUTURE_E_PAUSE_BUDGET);
	assert_non_null(strstr(err.message, "7654 us with 12 threads"));
}

static void each_outcome_has_a_code(void **state)
{
	static const struct {
		enum outcome outcome;
		enum suture_code code;
	} cases[] = {
		{OUTCOME_BUSY, SUTURE_E_BUSY_STACK},
		{OUTCOME_STUCK, SUTURE_E_UNSTOPPABLE_THREAD},
		{OUTCOME_NO_PROC, SUTURE_E_UNSUPPORTED},
		{OUTCOME_TABLE_FULL, SUTURE_E_UNSTOPPABLE_THREAD},
		{OUTCOME_HELPER_DIED, SUTURE_E_UNSTOPPABLE_THREAD},
		{OUTCOME_FIBERS, SUTURE_E_UNSTOPPABLE_THREAD},
		{OUTCOME_ABSENT, SUTURE_E_TIMEOUT},
	};
	struct stop_result result = {0};
	struct suture_error err;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(explain_outcome(cases[i].outcome, ENOENT, &result, &err),
				 -(int)cases[i].code);
		assert_true(err.message[0]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_refusal_says_what_to_allow),
		cmocka_unit_test(the_thread_and_the_errno_are_named),
		cmocka_unit_test(a_tracer_is_to_be_detached),
		cmocka_unit_test(over_the_budget_says_what_it_took),
		cmocka_unit_test(each_outcome_has_a_code),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
