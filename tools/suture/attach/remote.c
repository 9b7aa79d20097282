/* SPDX-License-Identifier: MIT */
/* Memory through /proc/PID/mem; see remote.h. */
#include "cli/attach/remote.h"

#include "base/error.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { PAGE = 4096 };

int remote_open(pid_t pid, struct remote *remote, struct suture_error *err)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/mem", (int)pid);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0 && (errno == ENOENT || errno == ESRCH))
		return error_set(err, SUTURE_E_NO_PROCESS, "no process has pid %d", (int)pid);
	if (fd < 0) {
		error_errno(err, SUTURE_E_PERMISSION, errno, "pid %d", (int)pid);
		return error_next(err, "run suture as its user or as root; for a process that made "
				       "itself non-dumpable as root");
	}
	*remote = (struct remote){.pid = pid, .fd = fd};
	return 0;
}

void remote_close(struct remote *remote)
{
	if (remote->fd >= 0)
		close(remote->fd);
	remote->fd = -1;
}

bool remote_read(const struct remote *remote, uint64_t address, void *out, size_t size)
{
	uint8_t *to = out;

	while (size) {
		ssize_t got = pread(remote->fd, to, size, (off_t)address);

		if (got <= 0)
			return false;
		to += got;
		address += (uint64_t)got;
		size -= (size_t)got;
	}
	return true;
}

bool remote_write(const struct remote *remote, uint64_t address, const void *data, size_t size)
{
	return pwrite(remote->fd, data, size, (off_t)address) == (ssize_t)size;
}

bool remote_string(const struct remote *remote, uint64_t address, char *out, size_t size)
{
	size_t have = 0;

	/* Page by page: what follows the text may not be mapped. */
	while (have < size) {
		size_t piece = PAGE - (size_t)((address + have) % PAGE);

		if (piece > size - have)
			piece = size - have;
		if (!remote_read(remote, address + have, out + have, piece))
			return false;
		if (memchr(out + have, '\0', piece))
			return true;
		have += piece;
	}
	return false;
}
