/* SPDX-License-Identifier: MIT */
/* Paths as texts; see path.h. */
#include "builder/path.h"

#include "base/error.h"
#include "base/file.h"

#include <errno.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

char *path_join(const char *base, const char *path)
{
	char *joined = NULL;

	if (*path == '/')
		return strdup(path);
	if (asprintf(&joined, "%s%s%s", base, base[0] && !base[1] ? "" : "/", path) < 0)
		return NULL;
	return joined;
}

/* In place. The text is absolute, so that ".." at the top stays there. */
static void normalise(char *path)
{
	char *to = path;
	const char *from = path;

	while (*from) {
		size_t length;

		from += strspn(from, "/");
		length = strcspn(from, "/");
		if (length == 0)
			break;
		if (length == 2 && from[0] == '.' && from[1] == '.') {
			while (to > path && *--to != '/') {
			}
		} else if (length != 1 || from[0] != '.') {
			*to++ = '/';
			memmove(to, from, length);
			to += length;
		}
		from += length;
	}
	if (to == path)
		*to++ = '/';
	*to = '\0';
}

char *path_absolute(const char *base, const char *path)
{
	char *joined = path_join(base, path);

	if (joined)
		normalise(joined);
	return joined;
}

char *path_real(const char *base, const char *path)
{
	cleanup_memory char *joined = path_join(base, path);
	cleanup_memory char *folder = NULL;
	cleanup_memory char *real_folder = NULL;
	char *real;

	if (!joined)
		return NULL;
	real = realpath(joined, NULL);
	if (real)
		return real;
	normalise(joined);
	if (strcmp(joined, "/") == 0)
		return strdup(joined);
	folder = path_folder(joined);
	real_folder = folder ? path_real("/", folder) : NULL;
	return real_folder ? path_join(real_folder, path_base(joined)) : NULL;
}

bool path_inside(const char *path, const char *folder)
{
	size_t length = strlen(folder);

	if (strcmp(folder, "/") == 0)
		return *path == '/';
	return strncmp(path, folder, length) == 0 && (path[length] == '/' || !path[length]);
}

char *path_common(const char *left, const char *right)
{
	char *common = strdup(left);

	while (common && !path_inside(right, common)) {
		char *up = path_folder(common);

		free(common);
		common = up;
	}
	return common;
}

char *path_folder(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (!slash)
		return strdup(".");
	return strndup(path, slash == path ? 1 : (size_t)(slash - path));
}

const char *path_base(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

bool path_exists(const char *path)
{
	return access(path, F_OK) == 0;
}

bool path_is_source(const char *path)
{
	static const char *const extensions[] = {".c",	  ".cc",   ".cpp", ".cxx", ".c++",  ".C",
						 ".cp",	  ".CPP",  ".i",   ".ii",  ".s",    ".S",
						 ".sx",	  ".m",	   ".mm",  ".M",   ".cppm", ".ccm",
						 ".cxxm", ".c++m", ".ixx", ".mxx"};
	const char *dot = strrchr(path_base(path), '.');

	for (size_t i = 0; dot && i < sizeof(extensions) / sizeof(extensions[0]); i++)
		if (strcmp(dot, extensions[i]) == 0)
			return true;
	return false;
}

int path_make_folders(const char *path, struct suture_error *err)
{
	cleanup_memory char *work = strdup(path);

	if (!work)
		return error_no_memory(err);
	for (char *at = work + 1;; at++) {
		char kept = *at;

		if (kept && kept != '/')
			continue;
		*at = '\0';
		if (mkdir(work, 0700) < 0 && errno != EEXIST)
			return error_errno(err, SUTURE_E_IO, errno, "%s", work);
		*at = kept;
		if (!kept)
			return 0;
	}
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *walk)
{
	(void)st;
	(void)walk;
	if (type == FTW_DP || type == FTW_DNR)
		rmdir(path);
	else
		unlink(path);
	return 0;
}

void path_remove_tree(const char *path)
{
	const struct timespec pause = {.tv_nsec = 10000000};

	/* A compiler that was killed just now may still finish making its file. */
	for (unsigned i = 0; i < 50; i++) {
		nftw(path, remove_entry, 32, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
		if (access(path, F_OK) < 0)
			return;
		nanosleep(&pause, NULL);
	}
}

char *path_make_work(struct suture_error *err)
{
	const char *temporary = getenv("TMPDIR");
	char *made = NULL;

	if (!temporary || *temporary != '/')
		temporary = "/tmp";
	if (asprintf(&made, "%s/suture-build.XXXXXX", temporary) < 0) {
		error_no_memory(err);
		return NULL;
	}
	if (mkdtemp(made))
		return made;
	error_errno(err, SUTURE_E_IO, errno, "no folder to work in can be made in %s", temporary);
	error_next(err, "name one with TMPDIR that can be written");
	free(made);
	return NULL;
}
