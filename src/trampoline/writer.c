/* SPDX-License-Identifier: MIT */
/* Reads and writes through /proc/self/mem: see writer.h. */
#include "trampoline/writer.h"

#include "arch/arch.h"
#include "base/descriptor.h"
#include "base/error.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/membarrier.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static long membarrier(int command)
{
	return arch_syscall(SYS_membarrier, command, 0, 0, 0, 0, 0);
}

int code_writer_open(struct code_writer *writer, struct suture_error *err)
{
	int fd = descriptor_set_apart(open("/proc/self/mem", O_RDWR | O_CLOEXEC));

	if (fd < 0)
		return error_errno(err, SUTURE_E_PERMISSION, errno, "/proc/self/mem");
	*writer = (struct code_writer){.fd = fd};
	/* Registering is what may not be permitted; the command itself can't fail afterwards. */
	writer->can_sync = membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE) == 0 &&
			   membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE) == 0;
	return 0;
}

/*
 * Servers close whatever is open when they go into the background: the number may be one of the
 * program's own by now.
 */
static bool is_memory(int fd)
{
	char path[32], target[64];
	ssize_t length;
	int end = 0;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	length = readlink(path, target, sizeof(target) - 1);
	target[length > 0 ? length : 0] = '\0';
	return sscanf(target, "/proc/%*d/mem%n", &end) == 0 && end == length && end > 0;
}

void code_writer_close(struct code_writer *writer)
{
	/* One that was zeroed has never been open. */
	if (writer->fd > 0 && is_memory(writer->fd))
		close(writer->fd);
	*writer = (struct code_writer){.fd = -1};
}

static int fault_at(const struct code_writer *writer, enum code_writer_step step)
{
	return writer->fault ? writer->fault(step, writer->fault_context) : 0;
}

/* Compares and copies are loops here: stopped code calls no libc function. */
static bool equal_stopped(const uint8_t *a, const uint8_t *b, size_t size)
{
	/* The kernel filled one of them, which the analyzer can't see. */
	for (size_t i = 0; i < size; i++)
		if (a[i] != b[i]) /* NOLINT(clang-analyzer-core.UndefinedBinaryOperatorResult) */
			return false;
	return true;
}

static int transfer_stopped(int fd, long number, uintptr_t address, const void *bytes, size_t size)
{
	size_t done = 0;

	while (done < size) {
		long count = arch_syscall(number, fd, (long)((uintptr_t)bytes + done),
					  (long)(size - done), (long)(address + done), 0, 0);

		if (count == -EINTR)
			continue;
		if (count < 0)
			return (int)count;
		if (count == 0)
			return -EIO;
		done += (size_t)count;
	}
	return 0;
}

/*
 * Threads run while entries are closed, and may close what is open or open something else by its
 * number; but who has closed an entry must be able to open it. What has failed is tried once more
 * through a descriptor that is there for this alone. -errno where there can't be one.
 */
static int open_stopped(void)
{
	static const char path[] = "/proc/self/mem";

	return (int)arch_syscall(SYS_openat, AT_FDCWD, (long)(uintptr_t)path, O_RDWR | O_CLOEXEC, 0,
				 0, 0);
}

static void close_stopped(int fd)
{
	arch_syscall(SYS_close, fd, 0, 0, 0, 0, 0);
}

int code_writer_read_stopped(const struct code_writer *writer, enum code_writer_step step,
			     uintptr_t address, void *out, size_t size)
{
	int rc, fd;

	if (fault_at(writer, step))
		return -EIO;
	rc = transfer_stopped(writer->fd, SYS_pread64, address, out, size);
	fd = rc ? open_stopped() : -1;
	if (fd >= 0) {
		rc = transfer_stopped(fd, SYS_pread64, address, out, size);
		close_stopped(fd);
	}
	return rc;
}

/* Are the size bytes at address `old`? 0, -ESTALE, or what reading says. */
static int check_stopped(int fd, uintptr_t address, const uint8_t *old, size_t size)
{
	uint8_t now[512];

	for (size_t done = 0; done < size;) {
		size_t part = size - done < sizeof(now) ? size - done : sizeof(now);
		int rc = transfer_stopped(fd, SYS_pread64, address + done, now, part);

		if (rc)
			return rc;
		if (!equal_stopped(now, old + done, part))
			return -ESTALE;
		done += part;
	}
	return 0;
}

static int replace_stopped(int fd, uintptr_t address, const uint8_t *old, const uint8_t *new_bytes,
			   size_t size)
{
	int rc = check_stopped(fd, address, old, size);

	return rc ? rc : transfer_stopped(fd, SYS_pwrite64, address, new_bytes, size);
}

int code_writer_replace_stopped(const struct code_writer *writer, enum code_writer_step step,
				uintptr_t address, const uint8_t *old, const uint8_t *new_bytes,
				size_t size)
{
	int rc, fd;

	if (fault_at(writer, step))
		return -EIO;
	rc = replace_stopped(writer->fd, address, old, new_bytes, size);
	fd = rc ? open_stopped() : -1;
	if (fd >= 0) {
		rc = replace_stopped(fd, address, old, new_bytes, size);
		close_stopped(fd);
	}
	return rc;
}

int code_writer_sync_stopped(const struct code_writer *writer)
{
	if (fault_at(writer, CODE_WRITER_SYNC))
		return -EIO;
	if (!writer->can_sync)
		return -ENOSYS;
	return (int)membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE);
}
