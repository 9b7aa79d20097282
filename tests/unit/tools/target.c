/* SPDX-License-Identifier: MIT */
/* TARGET: what is one, and which processes it means. */
#include "../test.h"

#include "cli/target.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static void pids_are_strict(void **state)
{
	static const char *const bad[] = {"",	"0",  "-1",	    "x",  "1x",
					  " 1", "1 ", "4294967297", "1.0"};
	struct suture_error err;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct target target = {0};

		assert_int_equal(target_set(&target, TARGET_PID, bad[i], &err),
				 -(int)SUTURE_E_USAGE);
		assert_int_equal(target.kind, TARGET_NONE);
	}
}

static void one_target_only(void **state)
{
	struct target target = {0};

	(void)state;
	assert_int_equal(target_set(&target, TARGET_PID, "12", NULL), 0);
	assert_int_equal(target.pid, 12);
	assert_int_equal(target_set(&target, TARGET_ALL, NULL, NULL), -(int)SUTURE_E_USAGE);
	assert_int_equal(target.kind, TARGET_PID);
	target = (struct target){0};
	assert_int_equal(target_set(&target, TARGET_NAME, "", NULL), -(int)SUTURE_E_USAGE);
	assert_int_equal(target_set(&target, TARGET_SOCKET, "", NULL), -(int)SUTURE_E_USAGE);
}

static void nobody_is_an_error(void **state)
{
	struct target pid = {.kind = TARGET_PID, .pid = 2147483647};
	struct target name = {.kind = TARGET_NAME, .text = "no such process here"};
	struct target tree = {.kind = TARGET_TREE, .pid = 2147483647};
	struct process_list list = {0};
	struct suture_error err;

	(void)state;
	assert_int_equal(target_resolve(&pid, &list, &err), -(int)SUTURE_E_NO_PROCESS);
	assert_string_equal(err.message, "no process has pid 2147483647");
	assert_int_equal(target_resolve(&name, &list, &err), -(int)SUTURE_E_NO_PROCESS);
	assert_int_equal(target_resolve(&tree, &list, &err), -(int)SUTURE_E_NO_PROCESS);
	assert_int_equal(list.count, 0);
}

static bool holds(const struct process_list *list, pid_t pid)
{
	for (size_t i = 0; i < list->count; i++)
		if (list->items[i].pid == pid)
			return true;
	return false;
}

static void a_tree_holds_grandchildren(void **state)
{
	struct target tree = {.kind = TARGET_TREE};
	struct process_list list = {0};
	int ends[2];
	pid_t child, grandchild = 0;

	(void)state;
	assert_int_equal(pipe(ends), 0);
	child = fork();
	if (child == 0) {
		grandchild = fork();
		if (grandchild > 0 && write(ends[1], &grandchild, sizeof(grandchild)) < 0)
			_exit(1);
		pause();
		_exit(0);
	}
	assert_int_equal(read(ends[0], &grandchild, sizeof(grandchild)), sizeof(grandchild));
	tree.pid = child;
	assert_int_equal(target_resolve(&tree, &list, NULL), 0);
	assert_int_equal(list.count, 2);
	assert_true(holds(&list, child) && holds(&list, grandchild));
	process_list_fini(&list);
	kill(grandchild, SIGKILL);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
}

static void processes_are_read(void **state)
{
	char value[PROCESS_ENV_SIZE], build_id[PROCESS_BUILD_ID_TEXT];
	struct process self;

	(void)state;
	assert_true(process_read(getpid(), &self));
	assert_int_equal(self.uid, geteuid());
	assert_int_equal(self.parent, getppid());
	assert_string_equal(self.name, "unit_tools_target");
	assert_true(process_is_named(&self, "unit_tools_target"));
	assert_false(process_is_named(&self, "unit_tools"));
	assert_false(process_read(2147483647, &self));
	assert_true(process_environment(getpid(), "PATH", value));
	assert_false(process_environment(getpid(), "PAT", value));
	process_build_id(getpid(), build_id);
	assert_true(strlen(build_id) == 0 || strlen(build_id) == 40);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pids_are_strict),    cmocka_unit_test(one_target_only),
		cmocka_unit_test(nobody_is_an_error), cmocka_unit_test(a_tree_holds_grandchildren),
		cmocka_unit_test(processes_are_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
