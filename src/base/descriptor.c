/* SPDX-License-Identifier: MIT */
/* Descriptors above those that programs use; see descriptor.h. */
#include "base/descriptor.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	APART_HIGHEST = 1024, /* the usual limit, and of what select(2) takes: tables stay small */
	APART_ROOM = 64,
};

int descriptor_set_apart(int fd)
{
	struct rlimit files;
	rlim_t end = APART_HIGHEST;
	int saved = errno, moved;

	if (fd < 0)
		return fd;
	if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < end)
		end = files.rlim_cur;
	if (end <= APART_ROOM)
		return fd;
	moved = fcntl(fd, F_DUPFD_CLOEXEC, (int)end - APART_ROOM);
	if (moved >= 0)
		close(fd);
	errno = saved;
	return moved >= 0 ? moved : fd;
}

ino_t descriptor_socket(int fd)
{
	struct stat st;
	int saved = errno;
	ino_t number = fstat(fd, &st) == 0 && S_ISSOCK(st.st_mode) ? st.st_ino : 0;

	errno = saved;
	return number;
}
