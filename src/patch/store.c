/* SPDX-License-Identifier: MIT */
/* Files of loaded patches; see store.h. Plan phase. */
#include "patch/store.h"

#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

static bool memory_only; /* set before there are threads of ours */

void store_use_memory(bool only)
{
	memory_only = only;
}

/* A folder that is ours alone: nobody else can swap a file between writing and mapping. */
static bool private_folder(const char *path)
{
	struct stat st;

	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return false;
	return lstat(path, &st) == 0 && S_ISDIR(st.st_mode) && st.st_uid == geteuid() &&
	       !(st.st_mode & 022);
}

/* The folder that holds one folder per process. */
static bool live_folder(char *path, size_t size)
{
	const char *base = getenv("SUTURE_DIR");
	const char *temporary = getenv("TMPDIR");

	if (base && *base) {
		snprintf(path, size, "%s/live", base);
		if (private_folder(path))
			return true;
	} else {
		snprintf(path, size, "/var/lib/suture/live");
		if (private_folder(path))
			return true;
	}
	snprintf(path, size, "%s/suture-live-%u", temporary && *temporary ? temporary : "/tmp",
		 (unsigned)geteuid());
	return private_folder(path);
}

static bool process_folder(char *path, size_t size)
{
	char live[3500];

	if (!live_folder(live, sizeof(live)))
		return false;
	snprintf(path, size, "%s/%d", live, (int)getpid());
	return private_folder(path);
}

static int write_memfd(const char *name, const void *data, size_t size, struct store_file *file,
		       struct suture_error *err)
{
	int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	int rc;

	if (fd < 0)
		return error_errno(err, SUTURE_E_IO, errno, "no place for the patch's file");
	rc = file_write_fd(fd, data, size, name, err);
	if (!rc &&
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) < 0)
		rc = error_errno(err, SUTURE_E_IO, errno, "%s", name);
	if (!rc && asprintf(&file->path, "/proc/self/fd/%d", fd) < 0)
		rc = error_no_memory(err);
	if (rc)
		close(fd);
	else
		file->fd = fd;
	return rc;
}

int store_write(const char *name, const void *data, size_t size, struct store_file *file,
		struct suture_error *err)
{
	char folder[4000], text[HASH_TEXT_SIZE];
	struct store_file result = {.fd = -1};
	uint8_t hash[HASH_SIZE];
	int rc;

	hash_bytes(data, size, hash);
	hash_text(hash, text);
	if (!memory_only && process_folder(folder, sizeof(folder))) {
		if (asprintf(&result.path, "%s/%s-%.16s.so", folder, name, text) < 0)
			return error_no_memory(err);
		rc = file_replace(result.path, data, size, 0500, NULL);
		if (!rc) {
			*file = result;
			return 0;
		}
		free(result.path);
		result.path = NULL;
	}
	rc = write_memfd(name, data, size, &result, err);
	if (!rc)
		*file = result;
	return rc;
}

void store_discard(struct store_file *file)
{
	if (file->fd >= 0)
		close(file->fd);
	else if (file->path)
		unlink(file->path);
	free(file->path);
	*file = (struct store_file){.fd = -1};
}

static void remove_folder(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *entry;

	while (dir && (entry = readdir(dir)))
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			unlinkat(dirfd(dir), entry->d_name, 0);
	if (dir)
		closedir(dir);
	rmdir(path);
}

void store_prune(void)
{
	char live[3500], path[4000];
	struct dirent *entry;
	DIR *dir;

	if (!live_folder(live, sizeof(live)))
		return;
	dir = opendir(live);
	while (dir && (entry = readdir(dir))) {
		char *end;
		long pid = strtol(entry->d_name, &end, 10);

		if (pid <= 0 || *end || (kill((pid_t)pid, 0) == 0 || errno != ESRCH))
			continue;
		snprintf(path, sizeof(path), "%s/%ld", live, pid);
		remove_folder(path);
	}
	if (dir)
		closedir(dir);
}

void store_close(void)
{
	char path[4000], live[3500];

	if (!live_folder(live, sizeof(live)))
		return;
	snprintf(path, sizeof(path), "%s/%d", live, (int)getpid());
	remove_folder(path);
}
