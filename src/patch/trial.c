/* SPDX-License-Identifier: MIT */
/* Crashes that are remembered; see trial.h. */
#include "patch/trial.h"

#include "base/file.h"
#include "base/trusted.h"
#include "patch/installed.h"

#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

enum { PLACE_SIZE = 4096 };

/* The folder above and the folder itself; false after the last. */
static bool place(unsigned number, char above[PLACE_SIZE], char folder[PLACE_SIZE])
{
	unsigned uid = (unsigned)geteuid();

	switch (number) {
	case 0:
		snprintf(above, PLACE_SIZE, "%.4000s/trials", installed_dir());
		snprintf(folder, PLACE_SIZE, "%.4000s/trials/%u", installed_dir(), uid);
		return true;
	case 1:
		if (uid == 0)
			snprintf(above, PLACE_SIZE, "/run/suture");
		else
			snprintf(above, PLACE_SIZE, "/tmp/suture-%u", uid);
		snprintf(folder, PLACE_SIZE, "%.4000s/trials", above);
		return true;
	default:
		return false;
	}
}

static int open_record(const char *folder, const char *name)
{
	cleanup_fd int within = -1;
	struct stat st;
	int fd;

	if (trusted_folder(folder, &within, NULL))
		return -1;
	fd = openat(within, name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -1;
	/* Allocated, so that a full file system can't make the mapping fail later. */
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_uid == geteuid() &&
	    (st.st_size >= (off_t)sizeof(struct trial) ||
	     posix_fallocate(fd, 0, sizeof(struct trial)) == 0))
		return fd;
	close(fd);
	return -1;
}

struct trial *trial_map(const uint8_t hash[HASH_SIZE])
{
	char above[PLACE_SIZE], folder[PLACE_SIZE], name[HASH_TEXT_SIZE];

	hash_text(hash, name);
	for (unsigned number = 0; place(number, above, folder); number++) {
		struct trial *trial;
		int fd;

		mkdir(above, 0700);
		mkdir(folder, 0700);
		fd = open_record(folder, name);
		if (fd < 0)
			continue;
		trial = mmap(NULL, sizeof(*trial), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		close(fd);
		if (trial != MAP_FAILED)
			return trial;
	}
	return NULL;
}

/* Calls each for every record of that patch. */
static void for_records(const uint8_t hash[HASH_SIZE],
			void (*each)(const char *path, void *context), void *context)
{
	char name[HASH_TEXT_SIZE], pattern[PLACE_SIZE];
	const char *const patterns[] = {installed_dir(), "/run/suture", "/tmp/suture-*"};
	glob_t found;

	hash_text(hash, name);
	for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++) {
		snprintf(pattern, sizeof(pattern), "%.3900s/trials%s/%s", patterns[i],
			 i == 0 ? "/*" : "", name);
		if (glob(pattern, GLOB_NOSORT, NULL, &found))
			continue;
		for (size_t k = 0; k < found.gl_pathc; k++)
			each(found.gl_pathv[k], context);
		globfree(&found);
	}
}

static void read_record(const char *path, void *context)
{
	cleanup_fd int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	unsigned *most = context;
	struct trial trial;

	if (fd >= 0 && read(fd, &trial, sizeof(trial)) == sizeof(trial) && trial.crashes > *most)
		*most = trial.crashes;
}

static void remove_record(const char *path, void *context)
{
	(void)context;
	unlink(path);
}

unsigned trial_crashes(const uint8_t hash[HASH_SIZE])
{
	unsigned most = 0;

	for_records(hash, read_record, &most);
	return most;
}

void trial_forget(const uint8_t hash[HASH_SIZE])
{
	for_records(hash, remove_record, NULL);
}

void trial_prepare(void)
{
	char path[PLACE_SIZE];

	snprintf(path, sizeof(path), "%.4000s/trials", installed_dir());
	if (mkdir(path, 0700) == 0 && geteuid() == 0)
		chmod(path, 01777);
}
