/* SPDX-License-Identifier: MIT */
/* Who could have written this? See trusted.h. */
#include "base/trusted.h"

#include "base/error.h"
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

enum { OTHERS_WRITE = S_IWGRP | S_IWOTH };

/* passing: further folders follow, so that the sticky bit is enough to keep what is in it. */
static int judge(int fd, const char *name, bool folder, bool passing, struct suture_error *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return error_errno(err, SUTURE_E_IO, errno, "%s", name);
	if (!folder && !S_ISREG(st.st_mode))
		return error_set(err, SUTURE_E_PERMISSION, "%s is not a regular file", name);
	if (st.st_uid != 0 && st.st_uid != geteuid()) {
		error_set(err, SUTURE_E_PERMISSION, "%s belongs to user %u", name,
			  (unsigned)st.st_uid);
		return error_next(err, "give it to root, or to the user of the process");
	}
	if ((st.st_mode & OTHERS_WRITE) && !(passing && (st.st_mode & S_ISVTX))) {
		error_set(err, SUTURE_E_PERMISSION, "%s can be written by others (mode %o)", name,
			  (unsigned)st.st_mode & 07777);
		return error_next(err, "chmod go-w %s", name);
	}
	return 0;
}

static int open_judged(int folder, const char *name, int flags, const char *label, bool passing,
		       int *fd, struct suture_error *err)
{
	int opened = openat(folder, name, flags | O_NOFOLLOW | O_CLOEXEC), rc;

	if (opened < 0) {
		int saved = errno;

		rc = error_errno(err, SUTURE_E_IO, saved, "%s", label);
		errno = saved;
		return rc;
	}
	rc = judge(opened, label, flags & O_DIRECTORY, passing, err);
	if (rc)
		close(opened);
	else
		*fd = opened;
	return rc;
}

int trusted_folder(const char *path, int *fd, struct suture_error *err)
{
	char real[PATH_MAX], *at = real;
	int folder, rc;

	/* A link on the way is as good as the folder that it is in; what it leads to is judged. */
	if (!realpath(path, real)) {
		int saved = errno;

		rc = error_errno(err, SUTURE_E_IO, saved, "%s", path);
		errno = saved;
		return rc;
	}
	rc = open_judged(AT_FDCWD, "/", O_DIRECTORY | O_RDONLY, "/", true, &folder, err);
	while (!rc && at && at[1]) {
		char *name = at + 1, label[PATH_MAX];
		int next = -1;

		at = strchr(name, '/');
		snprintf(label, sizeof(label), "%.*s", at ? (int)(at - real) : PATH_MAX - 1, real);
		if (at)
			*at = '\0';
		/* On the way nothing is read: a folder that can only be passed through will do. */
		rc = open_judged(folder, name, O_DIRECTORY | (at ? O_PATH : O_RDONLY), label, at,
				 &next, err);
		if (at)
			*at = '/';
		close(folder);
		folder = next;
	}
	if (!rc)
		*fd = folder;
	return rc;
}

int trusted_folder_at(int folder, const char *name, int *fd, struct suture_error *err)
{
	return open_judged(folder, name, O_DIRECTORY | O_RDONLY, name, false, fd, err);
}

int trusted_file_at(int folder, const char *name, int *fd, struct suture_error *err)
{
	return open_judged(folder, name, O_RDONLY | O_NONBLOCK, name, false, fd, err);
}
