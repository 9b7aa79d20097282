/* SPDX-License-Identifier: MIT */
/* Whole files; see file.h. */
#include "base/file.h"

#include "base/error.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>

int file_read_fd(int fd, size_t limit, const char *name, uint8_t **data, size_t *size,
		 struct suture_error *err)
{
	size_t total, done = 0;
	struct stat st;
	uint8_t *buffer;

	if (fstat(fd, &st) < 0)
		return error_errno(err, SUTURE_E_IO, errno, "%s", name);
	if (!S_ISREG(st.st_mode))
		return error_set(err, SUTURE_E_BAD_INPUT, "%s: not a regular file", name);
	if (st.st_size < 0 || (uint64_t)st.st_size > limit)
		return error_set(err, SUTURE_E_BAD_INPUT, "%s: larger than %zu bytes", name, limit);
	total = (size_t)st.st_size;
	buffer = malloc(total ? total : 1);
	if (!buffer)
		return error_no_memory(err);
	while (done < total) {
		ssize_t got = pread(fd, buffer + done, total - done, (off_t)done);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0) {
			free(buffer);
			return error_errno(err, SUTURE_E_IO, got < 0 ? errno : EIO, "%s", name);
		}
		done += (size_t)got;
	}
	*data = buffer;
	*size = total;
	return 0;
}

int file_read(const char *path, size_t limit, uint8_t **data, size_t *size,
	      struct suture_error *err)
{
	cleanup_fd int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		return error_errno(err, errno == EACCES ? SUTURE_E_PERMISSION : SUTURE_E_BAD_INPUT,
				   errno, "%s", path);
	return file_read_fd(fd, limit, path, data, size, err);
}

int file_write_fd(int fd, const void *data, size_t size, const char *name, struct suture_error *err)
{
	const uint8_t *from = data;

	while (size) {
		ssize_t put = write(fd, from, size);

		if (put < 0 && errno == EINTR)
			continue;
		if (put <= 0)
			return error_errno(err, SUTURE_E_IO, put < 0 ? errno : EIO, "%s", name);
		from += put;
		size -= (size_t)put;
	}
	return 0;
}

/*
 * Nobody cleans up a file beside another one that somebody interrupted (Ctrl-C): such signals wait
 * until it has its name, or is gone.
 */
static void hold_signals(sigset_t *before)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &set, before);
}

int file_replace(const char *path, const void *data, size_t size, unsigned mode,
		 struct suture_error *err)
{
	cleanup_memory char *beside = NULL;
	sigset_t before;
	int fd, rc;

	if (asprintf(&beside, "%s.XXXXXX", path) < 0) {
		beside = NULL;
		return error_no_memory(err);
	}
	hold_signals(&before);
	fd = mkostemp(beside, O_CLOEXEC);
	if (fd < 0) {
		rc = error_errno(err, SUTURE_E_IO, errno, "%s", path);
		pthread_sigmask(SIG_SETMASK, &before, NULL);
		return rc;
	}
	rc = file_write_fd(fd, data, size, path, err);
	if (!rc && (fchmod(fd, mode) < 0 || fsync(fd) < 0 || rename(beside, path) < 0))
		rc = error_errno(err, SUTURE_E_IO, errno, "%s", path);
	close(fd);
	if (rc)
		unlink(beside);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return rc;
}
