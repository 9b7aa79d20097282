/* SPDX-License-Identifier: MIT */
/* Who may do what; a list that can't be read lets nobody in. */
#include "../test.h"

#include "agent/peer.h"

#include <sys/socket.h>
#include <unistd.h>

static void test_own_user_and_root_write(void **state)
{
	struct peer_policy policy;

	(void)state;
	assert_int_equal(peer_policy_init(&policy, NULL, NULL, NULL), 0);
	assert_int_equal(peer_role(&policy, geteuid(), NULL, 0), PEER_WRITER);
	assert_int_equal(peer_role(&policy, 0, NULL, 0), PEER_WRITER);
	assert_int_equal(peer_role(&policy, 4321, NULL, 0), PEER_NOBODY);
}

static void test_lists(void **state)
{
	struct peer_policy policy;
	gid_t groups[] = {7, 50};

	(void)state;
	assert_int_equal(peer_policy_init(&policy, "4321,4322:rw", "50,51:rw", NULL), 0);
	assert_int_equal(peer_role(&policy, 4321, NULL, 0), PEER_READER);
	assert_int_equal(peer_role(&policy, 4322, NULL, 0), PEER_WRITER);
	assert_int_equal(peer_role(&policy, 50, NULL, 0), PEER_NOBODY);
	assert_int_equal(peer_role(&policy, 9999, groups, 2), PEER_READER);
	groups[0] = 51;
	assert_int_equal(peer_role(&policy, 9999, groups, 2), PEER_WRITER);
	assert_int_equal(peer_role(&policy, 4322, groups + 1, 1), PEER_WRITER);
}

static void test_unreadable_lists_are_refused(void **state)
{
	static const char *const bad[] = {"x",	  "1:r",  "1:rww", "-1",	 "1 2",
					  ",",	  "1,,2", "1:",	   "4294967295", "99999999999",
					  "0x10", ":rw",  " 1",	   "1:rw:rw"};
	struct peer_policy policy;
	struct suture_error err;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(peer_policy_init(&policy, bad[i], NULL, &err),
				 -(int)SUTURE_E_USAGE);
}

static void test_kernel_says_who(void **state)
{
	struct peer_policy policy = {.count = 0};
	struct peer peer;
	int pair[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	assert_int_equal(peer_identify(pair[0], &policy, &peer, NULL), 0);
	assert_int_equal(peer.pid, getpid());
	assert_int_equal(peer.uid, geteuid());
	assert_int_equal(peer.role, PEER_WRITER);
	close(pair[0]);
	close(pair[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_own_user_and_root_write),
		cmocka_unit_test(test_lists),
		cmocka_unit_test(test_unreadable_lists_are_refused),
		cmocka_unit_test(test_kernel_says_who),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
