/* SPDX-License-Identifier: MIT */
/* Finding libsuture.so; see library.h. */
#include "cli/attach/library.h"

#include "base/error.h"
#include "base/file.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LIBRARY_LIMIT = 64 << 20 };

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
		return error_set(err, SUTURE_E_BAD_INPUT, "SUTURE_AGENT: there is no %.*s",
				 text_fit(named, 200), named);
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

/* Is it the very same file under that path for the target? */
static bool same_there(const struct process *process, const char *path)
{
	char there[PATH_MAX + 64];
	struct stat own, theirs;

	snprintf(there, sizeof(there), "/proc/%d/root%s", (int)process->pid, path);
	return stat(path, &own) == 0 && stat(there, &theirs) == 0 && own.st_dev == theirs.st_dev &&
	       own.st_ino == theirs.st_ino;
}

/* May its user read it? Where we are that user ourselves, we have; root asks in that user's name.
 */
static bool readable_for(const struct process *process, const char *path)
{
	char folder[32];
	struct stat st;
	int status = 1;
	pid_t child;

	if (geteuid() != 0 || process->uid == 0)
		return true;
	snprintf(folder, sizeof(folder), "/proc/%d", (int)process->pid);
	if (stat(folder, &st) < 0)
		return false;
	child = fork();
	if (child == 0)
		_exit(setgroups(0, NULL) || setresgid(st.st_gid, st.st_gid, st.st_gid) ||
		      setresuid(process->uid, process->uid, process->uid) || access(path, R_OK));
	while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	return child > 0 && status == 0;
}

int library_find(const struct process *process, struct library *library, struct suture_error *err)
{
	int rc;

	*library = (struct library){.by_memory = true};
	rc = find_here(library->own, err);
	if (!rc && same_there(process, library->own) && readable_for(process, library->own)) {
		snprintf(library->path, sizeof(library->path), "%s", library->own);
		library->by_memory = false;
	}
	return rc;
}

int library_fill(const struct process *process, int fd, struct library *library,
		 struct suture_error *err)
{
	cleanup_memory uint8_t *data = NULL;
	cleanup_fd int to = -1;
	char path[64];
	size_t size;
	int rc = file_read(library->own, LIBRARY_LIMIT, &data, &size, err);

	if (rc)
		return rc;
	snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)process->pid, fd);
	to = open(path, O_RDWR | O_CLOEXEC);
	if (to < 0)
		return error_errno(err, SUTURE_E_UNSUPPORTED, errno, "memory for the library");
	rc = file_write_fd(to, data, size, "memory for the library", err);
	if (!rc)
		fcntl(to, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL);
	/*
	 * Two slashes: the loader tells libraries apart by their names, and the agent may one day
	 * load a patch from a descriptor of the same number.
	 */
	snprintf(library->path, sizeof(library->path), "/proc/self//fd/%d", fd);
	return rc;
}
