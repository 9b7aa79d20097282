/* SPDX-License-Identifier: MIT */
/* Patch files as sealed memory; see patchfile.h. */
#include "cli/patchfile.h"

#include "base/error.h"
#include "base/file.h"
#include "trust/minisign.h"

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

int patchfile_signature(const char *path, char **text, size_t *size, struct suture_error *err)
{
	cleanup_memory char *beside = NULL;
	cleanup_memory uint8_t *data = NULL;
	int rc;

	*text = NULL;
	if (asprintf(&beside, "%s.minisig", path) < 0) {
		beside = NULL;
		return error_no_memory(err);
	}
	if (access(beside, F_OK) < 0 && errno == ENOENT)
		return 0;
	rc = file_read(beside, MINISIGN_TEXT_LIMIT, &data, size, err);
	if (rc)
		return rc;
	*text = malloc(*size + 1);
	if (!*text)
		return error_no_memory(err);
	memcpy(*text, data, *size);
	(*text)[*size] = '\0';
	return 0;
}

int patchfile_add_signature(const char *path, struct json_object *params, struct suture_error *err)
{
	cleanup_memory char *text = NULL;
	size_t size;
	int rc = patchfile_signature(path, &text, &size, err);

	if (!rc && text && !rpc_json_add(params, "signature", rpc_json_string(text)))
		rc = error_no_memory(err);
	return rc;
}
