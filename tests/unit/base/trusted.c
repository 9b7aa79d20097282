/* SPDX-License-Identifier: MIT */
/* Nothing is opened that another user could have written, at any level. */
#include "../test.h"

#include "base/trusted.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[128];
static char inner[200];

static int make(void **state)
{
	char path[300];
	int fd;

	(void)state;
	test_folder_make(folder, sizeof(folder));
	snprintf(inner, sizeof(inner), "%s/inner", folder);
	assert_int_equal(mkdir(inner, 0755), 0);
	snprintf(path, sizeof(path), "%s/file", inner);
	fd = open(path, O_CREAT | O_WRONLY, 0644);
	assert_true(fd >= 0);
	close(fd);
	return 0;
}

static int removed(void **state)
{
	(void)state;
	test_folder_remove(folder);
	return 0;
}

static int open_inner(struct suture_error *err)
{
	int fd = -1, rc = trusted_folder(inner, &fd, err);

	if (rc)
		assert_int_equal(fd, -1);
	else
		assert_int_equal(close(fd), 0);
	return rc;
}

static void opens_what_is_ours(void **state)
{
	int within, fd;

	(void)state;
	/* /tmp is on the way: for all to write, and sticky. */
	assert_int_equal(trusted_folder(inner, &within, NULL), 0);
	assert_int_equal(trusted_file_at(within, "file", &fd, NULL), 0);
	close(fd);
	close(within);
	assert_int_equal(trusted_folder("/", &within, NULL), 0);
	close(within);
}

static void refuses_folders_for_others(void **state)
{
	static const unsigned modes[] = {0775, 0757, 01777};
	struct suture_error err;

	(void)state;
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		assert_int_equal(chmod(inner, modes[i]), 0);
		assert_int_equal(open_inner(&err), -(int)SUTURE_E_PERMISSION);
		assert_non_null(strstr(err.message, "inner"));
	}
	assert_int_equal(chmod(inner, 0755), 0);
	assert_int_equal(chmod(folder, 0777), 0);
	assert_int_equal(open_inner(&err), -(int)SUTURE_E_PERMISSION);
	assert_int_equal(chmod(folder, 0700), 0);
	assert_int_equal(open_inner(&err), 0);
}

static void refuses_files_for_others(void **state)
{
	char path[300], link[300];
	struct suture_error err;
	int within, fd;

	(void)state;
	snprintf(path, sizeof(path), "%s/file", inner);
	snprintf(link, sizeof(link), "%s/link", inner);
	assert_int_equal(symlink("file", link), 0);
	assert_int_equal(trusted_folder(inner, &within, NULL), 0);
	assert_int_equal(trusted_file_at(within, "link", &fd, &err), -(int)SUTURE_E_IO);
	assert_int_equal(trusted_file_at(within, "none", &fd, &err), -(int)SUTURE_E_IO);
	assert_int_equal(chmod(path, 0664), 0);
	assert_int_equal(trusted_file_at(within, "file", &fd, &err), -(int)SUTURE_E_PERMISSION);
	assert_int_equal(chmod(path, 0644), 0);
	assert_int_equal(trusted_folder_at(within, "file", &fd, &err), -(int)SUTURE_E_IO);
	if (geteuid() == 0) {
		assert_int_equal(chown(path, 65534, 0), 0);
		assert_int_equal(trusted_file_at(within, "file", &fd, &err),
				 -(int)SUTURE_E_PERMISSION);
	}
	close(within);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(opens_what_is_ours),
		cmocka_unit_test(refuses_folders_for_others),
		cmocka_unit_test(refuses_files_for_others),
	};

	return cmocka_run_group_tests(tests, make, removed);
}
