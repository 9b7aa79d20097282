/* SPDX-License-Identifier: MIT */
/* Whole files: bounds, kinds, atomic replacement. */
#include "../test.h"

#include "base/file.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char folder[128];

static int make(void **state)
{
	(void)state;
	test_folder_make(folder, sizeof(folder));
	return 0;
}

static int removed(void **state)
{
	(void)state;
	test_folder_remove(folder);
	return 0;
}

/* Is there a file whose name begins so? */
static bool is_there(const char *beginning)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;
	bool found = false;

	assert_non_null(dir);
	while (!found && (entry = readdir(dir)))
		found = strncmp(entry->d_name, beginning, strlen(beginning)) == 0;
	closedir(dir);
	return found;
}

static void reads_what_was_replaced(void **state)
{
	struct suture_error err;
	char path[200];
	uint8_t *data;
	size_t size;

	(void)state;
	snprintf(path, sizeof(path), "%s/a", folder);
	assert_int_equal(file_replace(path, "one", 3, 0600, &err), 0);
	assert_int_equal(file_replace(path, "three", 5, 0600, &err), 0);
	assert_int_equal(file_read(path, 5, &data, &size, &err), 0);
	assert_int_equal(size, 5);
	assert_memory_equal(data, "three", 5);
	free(data);
	assert_int_equal(file_read(path, 4, &data, &size, &err), -SUTURE_E_BAD_INPUT);
}

static void refuses_what_is_no_file(void **state)
{
	struct suture_error err;
	uint8_t *data;
	size_t size;

	(void)state;
	assert_int_equal(file_read(folder, 100, &data, &size, &err), -SUTURE_E_BAD_INPUT);
	assert_int_equal(file_read("/dev/zero", 100, &data, &size, &err), -SUTURE_E_BAD_INPUT);
	assert_int_equal(file_read("/no/such/file", 100, &data, &size, &err), -SUTURE_E_BAD_INPUT);
	assert_non_null(strstr(err.message, "/no/such/file"));
	assert_int_equal(file_replace("/no/such/folder/x", "", 0, 0600, &err), -SUTURE_E_IO);
}

static void a_failed_replacement_leaves_nothing(void **state)
{
	char path[200];

	(void)state;
	/* The target is a folder: rename() fails after the new file was written. */
	snprintf(path, sizeof(path), "%s/dir", folder);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_not_equal(file_replace(path, "x", 1, 0600, NULL), 0);
	assert_false(is_there("dir."));
}

/* Ctrl-C in the middle: either the file is there, or nothing is. */
static void a_signal_leaves_nothing_beside(void **state)
{
	static const char text[1 << 16];
	char path[160];

	(void)state;
	snprintf(path, sizeof(path), "%s/killed", folder);
	for (unsigned round = 0; round < 30; round++) {
		pid_t child = fork();
		int status;

		if (child == 0)
			for (;;)
				file_replace(path, text, sizeof(text), 0600, NULL);
		usleep(2000 + 300 * round);
		kill(child, round % 2 ? SIGINT : SIGTERM);
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_true(WIFSIGNALED(status));
	}
	assert_false(is_there("killed."));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_what_was_replaced),
		cmocka_unit_test(refuses_what_is_no_file),
		cmocka_unit_test(a_failed_replacement_leaves_nothing),
		cmocka_unit_test(a_signal_leaves_nothing_beside),
	};

	return cmocka_run_group_tests(tests, make, removed);
}
