/* SPDX-License-Identifier: MIT */
/* The loader's list of libraries, and their tables of names; see libraries.h. */
#include "builder/libraries.h"

#include "builder/exports.h"
#include "builder/path.h"
#include "builder/process.h"

#include "base/error.h"
#include "base/file.h"

#include <string.h>

enum { LIST_SIZE_MAX = 1 << 20 };

struct libraries {
	struct strings names; /* sorted */
};

/* "libm.so.6 => /lib/libm.so.6 (0x7f…)", the loader itself without an arrow. False: not found. */
static bool add_line(struct strings *names, char *line)
{
	char *path = strchr(line, '/');
	char *end = path ? strstr(path, " (0x") : NULL;

	if (strstr(line, "=> not found"))
		return false;
	if (end) {
		*end = 0;
		exports_read(path, false, names);
	}
	return true;
}

static bool read_list(struct strings *names, const char *path)
{
	cleanup_memory uint8_t *data = NULL;
	cleanup_memory char *text = NULL;
	char *rest, *line;
	size_t size;
	bool all = true;

	if (file_read(path, LIST_SIZE_MAX, &data, &size, NULL))
		return false;
	text = strndup((char *)data, size);
	for (rest = text; rest && all && (line = strsep(&rest, "\n"));)
		all = add_line(names, line);
	strings_sort(names);
	return text && all && names->count;
}

int libraries_open(const char *binary, const char *work_dir, struct libraries **libraries,
		   struct suture_error *err)
{
	cleanup_memory char *real = realpath(binary, NULL);
	cleanup_memory char *out = path_join(work_dir, "libraries");
	struct strings argv = {0};
	struct process_job job = {.argv = &argv, .directory = work_dir, .out_path = out};
	struct libraries *made = calloc(1, sizeof(*made));
	int rc;

	*libraries = NULL;
	strings_add(&argv, "ldd");
	strings_add(&argv, real ? real : binary);
	rc = made && out && strings_ok(&argv) ? process_run(&job, 1, 1, NULL, NULL, err)
					      : error_no_memory(err);
	strings_fini(&argv);
	if (!rc && process_succeeded(&job) && read_list(&made->names, out)) {
		*libraries = made;
		made = NULL;
	}
	libraries_close(made);
	return rc;
}

void libraries_close(struct libraries *libraries)
{
	if (libraries)
		strings_fini(&libraries->names);
	free(libraries);
}

bool libraries_define(const struct libraries *libraries, const char *name)
{
	return strings_contain_sorted(&libraries->names, name);
}
