/* SPDX-License-Identifier: MIT */
/* Files of loaded patches; see store.h. Plan phase. */
#include "patch/store.h"

#include "base/environment.h"
#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"
#include "patch/installed.h"

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

enum { SUFFIX_SIZE = 24 };

#define FIRST_PIDS 0xeffffffcu /* the kernel's PROC_PID_INIT_INO */

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
	const char *temporary = environment_get("TMPDIR");

	snprintf(path, size, "%s/live", installed_dir());
	if (private_folder(path))
		return true;
	snprintf(path, size, "%s/suture-live-%u", temporary ? temporary : "/tmp",
		 (unsigned)geteuid());
	return private_folder(path);
}

/*
 * What follows the number in the name of a process' folder: nothing, or the number of its PID
 * namespace where that is not the first one. Containers may share the folder, and have process 1
 * each.
 */
static void namespace_suffix(char text[SUFFIX_SIZE])
{
	struct stat st;

	text[0] = '\0';
	if (stat("/proc/self/ns/pid", &st) == 0 && st.st_ino != FIRST_PIDS)
		snprintf(text, SUFFIX_SIZE, "-%llu", (unsigned long long)st.st_ino);
}

static void format_own(char *path, size_t size, const char *live)
{
	char suffix[SUFFIX_SIZE];

	namespace_suffix(suffix);
	snprintf(path, size, "%s/%d%s", live, (int)getpid(), suffix);
}

static bool process_folder(char *path, size_t size)
{
	char live[3500];

	if (!live_folder(live, sizeof(live)))
		return false;
	format_own(path, size, live);
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
	char live[3500], path[4000], suffix[SUFFIX_SIZE];
	struct dirent *entry;
	DIR *dir;

	if (!live_folder(live, sizeof(live)))
		return;
	namespace_suffix(suffix);
	dir = opendir(live);
	while (dir && (entry = readdir(dir))) {
		char *end;
		long pid = strtol(entry->d_name, &end, 10);

		/* Of other namespaces we can't tell who is gone. */
		if (pid <= 0 || strcmp(end, suffix) != 0 ||
		    (kill((pid_t)pid, 0) == 0 || errno != ESRCH))
			continue;
		snprintf(path, sizeof(path), "%s/%ld%s", live, pid, suffix);
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
	format_own(path, sizeof(path), live);
	remove_folder(path);
}
