/* SPDX-License-Identifier: MIT */
/* Descriptors that lie apart from the program's, and knowing a socket again. */
#include "../test.h"

#include "base/descriptor.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

static void lowest_numbers_stay_free(void **state)
{
	int fd = open("/dev/null", O_RDONLY), low = fd, again;

	(void)state;
	fd = descriptor_set_apart(fd);
	assert_true(fd > low);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	again = open("/dev/null", O_RDONLY);
	assert_int_equal(again, low);
	close(again);
	close(fd);
	errno = EMFILE;
	assert_int_equal(descriptor_set_apart(-1), -1);
	assert_int_equal(errno, EMFILE);
}

static void none_above_is_no_failure(void **state)
{
	struct rlimit before;
	int fd = open("/dev/null", O_RDONLY);

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &(struct rlimit){32, before.rlim_max}), 0);
	assert_int_equal(descriptor_set_apart(fd), fd);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	close(fd);
}

static void a_socket_is_known_again(void **state)
{
	int one = socket(AF_UNIX, SOCK_STREAM, 0), two = socket(AF_UNIX, SOCK_STREAM, 0);
	int file = open("/dev/null", O_RDONLY);
	ino_t number = descriptor_socket(one);

	(void)state;
	assert_true(number != 0);
	assert_true(number != descriptor_socket(two));
	assert_int_equal(dup2(two, one), one);
	assert_true(number != descriptor_socket(one));
	assert_int_equal(descriptor_socket(file), 0);
	close(one);
	assert_int_equal(descriptor_socket(one), 0);
	close(two);
	close(file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lowest_numbers_stay_free),
		cmocka_unit_test(none_above_is_no_failure),
		cmocka_unit_test(a_socket_is_known_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
