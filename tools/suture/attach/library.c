/* SPDX-License-Identifier: MIT */
/* Finding libsuture.so; see library.h. */
#include "cli/attach/library.h"

#include "base/error.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const installed[] = {
	"/usr/local/lib/libsuture.so",
	"/usr/lib/x86_64-linux-gnu/libsuture.so",
	"/usr/lib/libsuture.so",
};

static bool is_file(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

static bool beside(char path[PATH_MAX])
{
	char self[PATH_MAX], wanted[PATH_MAX + 32];
	ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char *slash;

	if (length <= 0)
		return false;
	self[length] = '\0';
	slash = strrchr(self, '/');
	if (!slash)
		return false;
	*slash = '\0';
	snprintf(wanted, sizeof(wanted), "%s/../lib/libsuture.so", self);
	return is_file(wanted) && realpath(wanted, path);
}

static int find_here(char path[PATH_MAX], struct suture_error *err)
{
	const char *named = getenv("SUTURE_AGENT");

	if (named && *named) {
		if (is_file(named) && realpath(named, path))
			return 0;
		return error_set(err, SUTURE_E_BAD_INPUT, "SUTURE_AGENT: there is no %.200s",
				 named);
	}
	if (beside(path))
		return 0;
	for (size_t i = 0; i < sizeof(installed) / sizeof(installed[0]); i++)
		if (is_file(installed[i])) {
			snprintf(path, PATH_MAX, "%s", installed[i]);
			return 0;
		}
	error_set(err, SUTURE_E_BAD_INPUT, "libsuture.so is nowhere to be found");
	return error_next(err, "SUTURE_AGENT=PATH tells where it is");
}

int library_find(const struct process *process, char path[PATH_MAX], struct suture_error *err)
{
	char there[PATH_MAX + 64], found[PATH_MAX];
	int rc = find_here(found, err);

	if (rc)
		return rc;
	snprintf(there, sizeof(there), "/proc/%d/root%s", (int)process->pid, found);
	if (process_sees_other_files(process->pid) && !is_file(there)) {
		error_set(err, SUTURE_E_UNSUPPORTED, "its file system has no %s", found);
		return error_next(err, "put libsuture.so there, or name another place with "
				       "SUTURE_AGENT");
	}
	snprintf(path, PATH_MAX, "%s", found);
	return 0;
}
