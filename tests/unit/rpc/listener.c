/* SPDX-License-Identifier: MIT */
/* The socket is where it should be, ours alone, and replaces nothing but a dead socket. */
#include "../test.h"

#include "rpc/listener.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static char folder[64];

static int make_folder(void **state)
{
	(void)state;
	strcpy(folder, "/tmp/suture-test-XXXXXX");
	return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command);
}

static const char *in_folder(const char *name)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

static unsigned mode_of(const char *path)
{
	struct stat st;

	assert_int_equal(lstat(path, &st), 0);
	return st.st_mode & 07777;
}

static void test_places(void **state)
{
	struct rpc_owner owner = {.pid = 42, .uid = 1000, .runtime_dir = "/run/user/1000"};
	char path[RPC_PATH_SIZE], long_folder[200];

	(void)state;
	assert_true(rpc_place(&owner, 0, path));
	assert_string_equal(path, "/run/user/1000/suture/42.sock");
	assert_true(rpc_place(&owner, 1, path));
	assert_string_equal(path, "/tmp/suture-1000/42.sock");
	assert_true(rpc_place(&owner, 2, path));
	assert_string_equal(path, "/dev/shm/suture-1000/42.sock");
	assert_false(rpc_place(&owner, 3, path));
	owner.uid = 0;
	assert_true(rpc_place(&owner, 0, path));
	assert_string_equal(path, "/run/suture/42.sock");
	owner.root = "/proc/9/root";
	assert_true(rpc_place(&owner, 0, path));
	assert_string_equal(path, "/proc/9/root/run/suture/42.sock");
	owner.root = NULL;
	owner.socket = "/srv/a/";
	assert_true(rpc_place(&owner, 0, path));
	assert_string_equal(path, "/srv/a/42.sock");
	assert_false(rpc_place(&owner, 1, path));
	owner.socket = "relative.sock";
	assert_false(rpc_place(&owner, 0, path));
	memset(long_folder, 'x', sizeof(long_folder) - 1);
	long_folder[0] = '/';
	long_folder[sizeof(long_folder) - 1] = '\0';
	owner.socket = long_folder;
	assert_false(rpc_place(&owner, 0, path));
}

static void test_modes_do_not_depend_on_umask(void **state)
{
	struct rpc_owner owner = {.pid = 7, .uid = 1, .runtime_dir = folder};
	struct rpc_listener listener;
	mode_t old = umask(0);

	(void)state;
	assert_int_equal(rpc_listener_open(&owner, false, &listener, NULL), 0);
	umask(old);
	assert_string_equal(listener.path, in_folder("suture/7.sock"));
	assert_int_equal(mode_of(in_folder("suture")), 0700);
	assert_int_equal(mode_of(listener.path), 0600);
	rpc_listener_close(&listener);
	assert_int_equal(access(in_folder("suture/7.sock"), F_OK), -1);
	assert_int_equal(rpc_listener_open(&owner, true, &listener, NULL), 0);
	assert_int_equal(mode_of(in_folder("suture")), 0711);
	assert_int_equal(mode_of(listener.path), 0666);
	rpc_listener_close(&listener);
}

static void test_stale_is_replaced_live_is_not(void **state)
{
	struct rpc_owner owner = {.pid = 7, .uid = 1, .socket = in_folder("s.sock")};
	struct rpc_listener dead, live, third;
	struct suture_error err;
	char path[128];

	(void)state;
	snprintf(path, sizeof(path), "%s", in_folder("s.sock"));
	owner.socket = path;
	assert_int_equal(rpc_listener_open(&owner, false, &dead, NULL), 0);
	rpc_listener_forget(&dead); /* as a crash would leave it */
	assert_int_equal(rpc_listener_open(&owner, false, &live, NULL), 0);
	assert_int_equal(rpc_listener_open(&owner, false, &third, &err), -(int)SUTURE_E_AGENT_BUSY);
	assert_int_equal(access(path, F_OK), 0);
	rpc_listener_close(&live);
	assert_int_equal(access(path, F_OK), -1);
}

static void test_a_successor_is_not_removed(void **state)
{
	struct rpc_owner owner = {.pid = 7, .uid = 1, .socket = NULL};
	struct rpc_listener first, second;
	char path[128];

	(void)state;
	snprintf(path, sizeof(path), "%s", in_folder("s.sock"));
	owner.socket = path;
	assert_int_equal(rpc_listener_open(&owner, false, &first, NULL), 0);
	unlink(path);
	assert_int_equal(rpc_listener_open(&owner, false, &second, NULL), 0);
	rpc_listener_close(&first);
	assert_int_equal(access(path, F_OK), 0);
	rpc_listener_close(&second);
}

static void test_the_dead_are_swept(void **state)
{
	static const char *const names[] = {"suture/999999999.sock", "suture/999999998.sock",
					    "suture/999999997.sockx", "suture/1.sock"};
	struct rpc_owner owner = {.pid = 7, .uid = 1, .runtime_dir = folder};
	struct rpc_listener listener;

	(void)state;
	assert_int_equal(mkdir(in_folder("suture"), 0700), 0);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct sockaddr_un address = {.sun_family = AF_UNIX};
		int fd = socket(AF_UNIX, SOCK_STREAM, 0);

		memcpy(address.sun_path, in_folder(names[i]), strlen(in_folder(names[i])));
		assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
		close(fd);
	}
	/* Not a socket: not ours. */
	assert_int_equal(unlink(in_folder(names[1])), 0);
	close(open(in_folder(names[1]), O_CREAT | O_WRONLY, 0600));
	assert_int_equal(rpc_listener_open(&owner, false, &listener, NULL), 0);
	assert_int_equal(access(in_folder(names[0]), F_OK), -1);
	assert_int_equal(access(in_folder(names[1]), F_OK), 0);
	assert_int_equal(access(in_folder(names[2]), F_OK), 0);
	assert_int_equal(access(in_folder(names[3]), F_OK), 0); /* a process has that number */
	rpc_listener_close(&listener);
}

static void test_nothing_else_is_touched(void **state)
{
	struct rpc_owner owner = {.pid = 7, .uid = 1, .socket = NULL};
	struct rpc_listener listener;
	struct suture_error err;
	char path[128], other[128];
	int fd;

	(void)state;
	snprintf(path, sizeof(path), "%s", in_folder("file"));
	owner.socket = path;
	fd = open(path, O_CREAT | O_WRONLY, 0600);
	assert_int_equal(write(fd, "precious", 8), 8);
	close(fd);
	assert_int_not_equal(rpc_listener_open(&owner, false, &listener, &err), 0);
	assert_int_equal(access(path, F_OK), 0);
	/* A folder that is a symbolic link is not used: neither the one that it points to is. */
	owner.socket = NULL;
	owner.runtime_dir = folder;
	snprintf(other, sizeof(other), "%s", in_folder("elsewhere"));
	assert_int_equal(mkdir(other, 0700), 0);
	assert_int_equal(symlink(other, in_folder("suture")), 0);
	owner.uid = 4000000001u;
	if (rpc_listener_open(&owner, false, &listener, &err) == 0) {
		/* It went on to the next place. */
		assert_null(strstr(listener.path, folder));
		rpc_listener_close(&listener);
		rmdir("/tmp/suture-4000000001");
	}
	assert_int_equal(rmdir(other), 0); /* still empty */
}

static void test_a_folder_for_all_is_refused(void **state)
{
	struct rpc_owner owner = {.pid = 7, .uid = 1, .socket = NULL};
	struct rpc_listener listener;
	struct suture_error err;
	char path[128];

	(void)state;
	snprintf(path, sizeof(path), "%s/open/s.sock", folder);
	assert_int_equal(mkdir(in_folder("open"), 0700), 0);
	assert_int_equal(chmod(in_folder("open"), 0777), 0);
	owner.socket = path;
	assert_int_equal(rpc_listener_open(&owner, false, &listener, &err),
			 -(int)SUTURE_E_PERMISSION);
	if (geteuid() != 0)
		return;
	assert_int_equal(chmod(in_folder("open"), 0700), 0);
	assert_int_equal(chown(in_folder("open"), 1234, 1234), 0);
	assert_int_equal(rpc_listener_open(&owner, false, &listener, &err),
			 -(int)SUTURE_E_PERMISSION);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_places),
		cmocka_unit_test_setup_teardown(test_modes_do_not_depend_on_umask, make_folder,
						remove_folder),
		cmocka_unit_test_setup_teardown(test_stale_is_replaced_live_is_not, make_folder,
						remove_folder),
		cmocka_unit_test_setup_teardown(test_a_successor_is_not_removed, make_folder,
						remove_folder),
		cmocka_unit_test_setup_teardown(test_the_dead_are_swept, make_folder,
						remove_folder),
		cmocka_unit_test_setup_teardown(test_nothing_else_is_touched, make_folder,
						remove_folder),
		cmocka_unit_test_setup_teardown(test_a_folder_for_all_is_refused, make_folder,
						remove_folder),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
