/* SPDX-License-Identifier: MIT */
/* Patch files as sealed memory; see patchfile.h. */
#include "cli/patchfile.h"

#include "base/error.h"
#include "base/file.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>

enum { PATCHFILE_LIMIT = 256 << 20 };

const char *patchfile_label(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static int copy_sealed(const uint8_t *data, size_t size, const char *path, int *fd,
		       struct suture_error *err)
{
	char name[64];
	int memory, rc;

	snprintf(name, sizeof(name), "%s", patchfile_label(path));
	memory = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (memory < 0)
		return error_errno(err, SUTURE_E_IO, errno, "%s: copy in memory", path);
	rc = file_write_fd(memory, data, size, path, err);
	if (!rc && fcntl(memory, F_ADD_SEALS,
			 F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) < 0)
		rc = error_errno(err, SUTURE_E_IO, errno, "%s: sealing the copy", path);
	if (rc)
		close(memory);
	else
		*fd = memory;
	return rc;
}

int patchfile_open(const char *path, int *fd, struct suture_error *err)
{
	cleanup_memory uint8_t *data = NULL;
	size_t size;
	int rc = file_read(path, PATCHFILE_LIMIT, &data, &size, err);

	if (rc)
		return rc;
	if (size < SELFMAG || memcmp(data, ELFMAG, SELFMAG) != 0) {
		error_set(err, SUTURE_E_BAD_PATCH_FILE, "%s: not an ELF file", path);
		return error_next(err, "a patch is what 'suture build' wrote");
	}
	return copy_sealed(data, size, path, fd, err);
}
