/* SPDX-License-Identifier: MIT */
/* What is kept for starts to come; see installed.h. */
#include "patch/installed.h"

#include "base/environment.h"
#include "base/error.h"
#include "base/trusted.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char *installed_dir(void)
{
	const char *named = environment_get("SUTURE_DIR");

	return named ? named : "/var/lib/suture";
}

int installed_root(int *fd, struct suture_error *err)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/installed", installed_dir());
	return trusted_folder(path, fd, err);
}

void installed_id_text(const uint8_t *build_id, size_t size, char text[INSTALLED_ID_TEXT])
{
	text[0] = '\0';
	for (size_t i = 0; i < size && i < FORMAT_BUILD_ID_SIZE; i++)
		snprintf(text + 2 * i, 3, "%02x", build_id[i]);
}

void installed_file_name(const struct installed_patch *patch, char name[INSTALLED_FILE_NAME])
{
	snprintf(name, INSTALLED_FILE_NAME, "%04u-%s.so", patch->order, patch->name);
}

/* False for what is not one of ours: a file that is being written, a backup. */
static bool parse_file_name(const char *text, struct installed_patch *patch)
{
	size_t length;
	char *end;

	if (*text < '0' || *text > '9')
		return false;
	errno = 0;
	patch->order = (unsigned)strtoul(text, &end, 10);
	if (errno || *end != '-')
		return false;
	length = strlen(end + 1);
	if (length <= 3 || length - 3 > PATCH_NAME_LIMIT ||
	    strcmp(end + 1 + length - 3, ".so") != 0)
		return false;
	memcpy(patch->name, end + 1, length - 3);
	patch->name[length - 3] = '\0';
	return patch_name_valid(patch->name);
}

static int add(struct installed_list *list, const struct installed_patch *patch,
	       struct suture_error *err)
{
	void *grown = realloc(list->items, (list->count + 1) * sizeof(*list->items));

	if (!grown)
		return error_no_memory(err);
	list->items = grown;
	list->items[list->count++] = *patch;
	return 0;
}

static int by_order(const void *a, const void *b)
{
	const struct installed_patch *left = a, *right = b;

	if (left->order != right->order)
		return (left->order > right->order) - (left->order < right->order);
	return strcmp(left->name, right->name);
}

static int read_build(int root, const char *build_id, struct installed_list *list,
		      struct suture_error *err)
{
	struct installed_patch patch;
	struct dirent *entry;
	DIR *dir;
	int fd, rc;

	if (strlen(build_id) >= sizeof(patch.build_id))
		return 0;
	rc = trusted_folder_at(root, build_id, &fd, err);
	if (rc)
		return rc == -(int)SUTURE_E_IO && errno == ENOENT ? 0 : rc;
	strcpy(patch.build_id, build_id);
	dir = fdopendir(fd);
	if (!dir) {
		close(fd);
		return error_no_memory(err);
	}
	while (!rc && (entry = readdir(dir)))
		if (parse_file_name(entry->d_name, &patch))
			rc = add(list, &patch, err);
	closedir(dir);
	return rc;
}

static int read_all(int root, struct installed_list *list, struct suture_error *err)
{
	int copy = openat(root, ".", O_DIRECTORY | O_RDONLY | O_CLOEXEC), rc = 0;
	DIR *dir = copy < 0 ? NULL : fdopendir(copy);
	struct dirent *entry;

	if (!dir) {
		rc = error_errno(err, SUTURE_E_IO, errno, "%s", installed_dir());
		if (copy >= 0)
			close(copy);
		return rc;
	}
	while (!rc && (entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			rc = read_build(root, entry->d_name, list, err);
	closedir(dir);
	return rc;
}

int installed_read(int root, const char *build_id, struct installed_list *list,
		   struct suture_error *err)
{
	int rc = build_id ? read_build(root, build_id, list, err) : read_all(root, list, err);

	if (!rc && list->count)
		qsort(list->items, list->count, sizeof(*list->items), by_order);
	return rc;
}

void installed_fini(struct installed_list *list)
{
	free(list->items);
	*list = (struct installed_list){0};
}

static int open_with(int root, const struct installed_patch *patch, const char *suffix, int *fd,
		     struct suture_error *err)
{
	char name[INSTALLED_FILE_NAME], whole[INSTALLED_FILE_NAME + 16];
	int folder, kept;
	int rc = trusted_folder_at(root, patch->build_id, &folder, err);

	if (rc)
		return rc;
	installed_file_name(patch, name);
	snprintf(whole, sizeof(whole), "%s%s", name, suffix);
	rc = trusted_file_at(folder, whole, fd, err);
	kept = errno;
	close(folder);
	errno = kept;
	return rc;
}

int installed_open(int root, const struct installed_patch *patch, int *fd, struct suture_error *err)
{
	return open_with(root, patch, "", fd, err);
}

int installed_open_signature(int root, const struct installed_patch *patch, int *fd,
			     struct suture_error *err)
{
	return open_with(root, patch, ".minisig", fd, err);
}
