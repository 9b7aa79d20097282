/* SPDX-License-Identifier: MIT */
/* One descriptor arrives; of several, however they are sent, none leaks. */
#include "../test.h"

#include "rpc/descriptor.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

static size_t open_descriptors(void)
{
	DIR *folder = opendir("/proc/self/fd");
	size_t count = 0;

	while (readdir(folder))
		count++;
	closedir(folder);
	return count;
}

static void send_many(int socket, int fd, size_t count)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(8 * sizeof(int))];
	} control = {0};
	struct iovec piece = {.iov_base = "x", .iov_len = 1};
	struct msghdr message = {.msg_iov = &piece,
				 .msg_iovlen = 1,
				 .msg_control = control.bytes,
				 .msg_controllen = CMSG_SPACE(count * sizeof(int))};
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);

	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(count * sizeof(int));
	for (size_t i = 0; i < count; i++)
		memcpy(CMSG_DATA(header) + i * sizeof(int), &fd, sizeof(int));
	assert_int_equal(sendmsg(socket, &message, 0), 1);
}

static void test_one_arrives_close_on_exec(void **state)
{
	int pair[2], passed = -1;
	char byte;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	assert_int_equal(rpc_send(pair[0], "x", 1, STDIN_FILENO, 0), 1);
	assert_int_equal(rpc_receive(pair[1], &byte, 1, &passed, 0), 1);
	assert_true(passed >= 0);
	assert_int_equal(fcntl(passed, F_GETFD), FD_CLOEXEC);
	close(passed);
	close(pair[0]);
	close(pair[1]);
}

static void test_extras_do_not_leak(void **state)
{
	size_t before;
	int pair[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	before = open_descriptors();
	for (size_t count = 1; count <= 8; count++) {
		int passed = -1;
		char byte;

		send_many(pair[0], STDIN_FILENO, count);
		assert_int_equal(rpc_receive(pair[1], &byte, 1, &passed, 0), 1);
		assert_true(passed >= 0);
		/* One is waiting already: the next is closed. */
		send_many(pair[0], STDIN_FILENO, count);
		assert_int_equal(rpc_receive(pair[1], &byte, 1, &passed, 0), 1);
		close(passed);
		assert_int_equal(open_descriptors(), before);
	}
	close(pair[0]);
	close(pair[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_arrives_close_on_exec),
		cmocka_unit_test(test_extras_do_not_leak),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
