/* SPDX-License-Identifier: MIT */
/* A small source tree in a temporary folder, for the tests of the builder's front half. */
#ifndef TESTS_BUILDER_TREE_H
#define TESTS_BUILDER_TREE_H

#include "../test.h"

#include "builder/path.h"

#include "base/file.h"
#include "base/hash.h"

#include <dirent.h>
#include <string.h>
#include <sys/stat.h>

/* Made by tree_setup(), removed by tree_teardown(). Without a slash at the end. */
static char tree_top[256];

static inline int tree_setup(void **state)
{
	char made[] = "/tmp/suture test.XXXXXX"; /* a blank in every path */

	(void)state;
	if (!mkdtemp(made))
		return -1;
	strcpy(tree_top, made);
	return 0;
}

static inline int tree_teardown(void **state)
{
	(void)state;
	path_remove_tree(tree_top);
	return 0;
}

/* Path of a file in the tree; static storage, 32 at a time. */
static inline const char *tree_path(const char *name)
{
	static char paths[32][1024];
	static unsigned next;
	char *path = paths[next++ % 32];

	snprintf(path, sizeof(paths[0]), "%s/%s", tree_top, name);
	return path;
}

static inline void tree_write(const char *name, const char *text)
{
	const char *path = tree_path(name);
	char *folder = path_folder(path);

	assert_int_equal(path_make_folders(folder, NULL), 0);
	assert_int_equal(file_replace(path, text, strlen(text), 0644, NULL), 0);
	free(folder);
}

/* Text of a file by absolute path; the caller frees. */
static inline char *tree_read(const char *path)
{
	uint8_t *data;
	size_t size;
	char *text;

	assert_int_equal(file_read(path, 1 << 24, &data, &size, NULL), 0);
	text = strndup((char *)data, size);
	free(data);
	return text;
}

/* One hash over names, modes, times and contents of all files below a folder. */
static inline void tree_digest(const char *path, uint8_t hash[HASH_SIZE])
{
	struct dirent **entries;
	int count = scandir(path, &entries, NULL, alphasort);

	assert_true(count >= 0);
	for (int i = 0; i < count; i++) {
		char *below = path_join(path, entries[i]->d_name);
		uint8_t both[2 * HASH_SIZE + sizeof(struct timespec)] = {0};
		uint8_t *data = NULL;
		size_t size = 0;
		struct stat st;

		if (strcmp(entries[i]->d_name, ".") && strcmp(entries[i]->d_name, "..")) {
			assert_int_equal(lstat(below, &st), 0);
			memcpy(both, hash, HASH_SIZE);
			hash_bytes(below, strlen(below), both + HASH_SIZE);
			hash_bytes(both, sizeof(both), hash);
			memcpy(both, hash, HASH_SIZE);
			memcpy(both + 2 * HASH_SIZE, &st.st_mtim, sizeof(st.st_mtim));
			if (S_ISREG(st.st_mode)) {
				assert_int_equal(file_read(below, 1 << 28, &data, &size, NULL), 0);
				hash_bytes(data, size, both + HASH_SIZE);
				free(data);
			}
			hash_bytes(both, sizeof(both), hash);
			if (S_ISDIR(st.st_mode))
				tree_digest(below, hash);
		}
		free(below);
		free(entries[i]);
	}
	free(entries);
}

#endif
