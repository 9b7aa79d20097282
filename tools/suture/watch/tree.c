/* SPDX-License-Identifier: MIT */
/* Originals and differences; see tree.h. */
#include "cli/watch/tree.h"

#include "base/bytes.h"
#include "base/error.h"
#include "base/file.h"
#include "cli/watch/child.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILE_LIMIT = 1 << 28 };

/* Makes the folders above path that are missing. */
static int make_folders(const char *path, struct suture_error *err)
{
	char copy[PATH_MAX];

	snprintf(copy, sizeof(copy), "%s", path);
	for (char *slash = strchr(copy + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(copy, 0700) < 0 && errno != EEXIST)
			return error_errno(err, SUTURE_E_IO, errno, "%s", copy);
		*slash = '/';
	}
	return 0;
}

static bool original_path(const struct tree *tree, const struct tree_file *file, char *path,
			  size_t size)
{
	return (size_t)snprintf(path, size, "%s%s", tree->baseline, file->path) < size;
}

/* A copy with the original's times: by these most files are known to be the same. */
static int keep_original(const struct tree *tree, const struct tree_file *file,
			 struct suture_error *err)
{
	cleanup_memory uint8_t *data = NULL;
	char path[PATH_MAX];
	struct stat st;
	size_t size;
	int rc;

	if (!original_path(tree, file, path, sizeof(path)))
		return error_set(err, SUTURE_E_BAD_INPUT, "%s: the path is too long", file->path);
	if (access(path, F_OK) == 0 || stat(file->path, &st) < 0)
		return 0;
	rc = file_read(file->path, FILE_LIMIT, &data, &size, err);
	if (!rc)
		rc = make_folders(path, err);
	if (!rc)
		rc = file_replace(path, data, size, 0600, err);
	if (!rc) {
		struct timespec times[] = {st.st_atim, st.st_mtim};

		utimensat(AT_FDCWD, path, times, 0);
	}
	return rc;
}

static int find_folder(struct tree *tree, const char *build_id, struct suture_error *err)
{
	const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
	size_t size = sizeof(tree->folder), length;

	if (cache && *cache == '/')
		length =
			(size_t)snprintf(tree->folder, size, "%s/suture/watch/%s", cache, build_id);
	else if (home && *home == '/')
		length = (size_t)snprintf(tree->folder, size, "%s/.cache/suture/watch/%s", home,
					  build_id);
	else
		return error_set(err, SUTURE_E_IO, "no place for the originals: HOME is not set");
	if (length >= size || (size_t)snprintf(tree->baseline, sizeof(tree->baseline), "%s/files",
					       tree->folder) >= sizeof(tree->baseline))
		return error_set(err, SUTURE_E_IO, "the cache's path is too long");
	return 0;
}

static int take_lock(struct tree *tree, struct suture_error *err)
{
	char path[PATH_MAX + 8];
	int rc;

	snprintf(path, sizeof(path), "%s/lock", tree->folder);
	rc = make_folders(path, err);
	if (rc)
		return rc;
	tree->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (tree->lock < 0)
		return error_errno(err, SUTURE_E_IO, errno, "%s", path);
	if (flock(tree->lock, LOCK_EX | LOCK_NB) < 0)
		return error_set(err, SUTURE_E_AGENT_BUSY,
				 "another 'suture watch' is at work for this binary");
	return 0;
}

static int by_path(const void *a, const void *b)
{
	return strcmp(((const struct tree_file *)a)->path, ((const struct tree_file *)b)->path);
}

static int take_list(struct tree *tree, char *list, struct suture_error *err)
{
	size_t most = 1;
	char *line;

	for (const char *at = list; *at; at++)
		most += *at == '\n';
	tree->files = calloc(most, sizeof(*tree->files));
	if (!tree->files)
		return error_no_memory(err);
	while ((line = strsep(&list, "\n")) && tree->count < most) {
		if (*line != '/')
			continue;
		tree->files[tree->count].path = strdup(line);
		if (!tree->files[tree->count++].path)
			return error_no_memory(err);
	}
	if (tree->count == 0)
		return error_set(err, SUTURE_E_BAD_INPUT, "no source of the binary was found");
	qsort(tree->files, tree->count, sizeof(*tree->files), by_path);
	return 0;
}

/* What all paths begin with, up to a slash. */
static void find_root(struct tree *tree, const char *root)
{
	const char *first = tree->files[0].path, *last = tree->files[tree->count - 1].path;
	size_t length = 0;

	if (root && realpath(root, tree->root))
		return;
	for (size_t i = 0; first[i] && first[i] == last[i]; i++)
		if (first[i] == '/')
			length = i;
	snprintf(tree->root, sizeof(tree->root), "%.*s", (int)length, first);
}

int tree_open(struct tree *tree, char *list, const char *root, const char *build_id,
	      struct suture_error *err)
{
	int rc;

	*tree = (struct tree){.lock = -1};
	rc = take_list(tree, list, err);
	if (!rc)
		rc = find_folder(tree, build_id, err);
	if (!rc)
		rc = take_lock(tree, err);
	if (!rc)
		find_root(tree, root);
	for (size_t i = 0; !rc && i < tree->count; i++)
		rc = keep_original(tree, &tree->files[i], err);
	return rc;
}

void tree_close(struct tree *tree)
{
	for (size_t i = 0; i < tree->count; i++)
		free(tree->files[i].path);
	free(tree->files);
	if (tree->lock >= 0)
		close(tree->lock);
}

static uint64_t written_ns(const struct stat *st)
{
	return (uint64_t)st->st_mtim.tv_sec * 1000000000 + (uint64_t)st->st_mtim.tv_nsec;
}

const char *tree_newer(const struct tree *tree, const char *binary)
{
	struct stat linked, st;
	char path[PATH_MAX];

	if (stat(binary, &linked) < 0)
		return NULL;
	for (size_t i = 0; i < tree->count; i++)
		if (original_path(tree, &tree->files[i], path, sizeof(path)) &&
		    stat(path, &st) == 0 && written_ns(&st) > written_ns(&linked))
			return tree->files[i].path;
	return NULL;
}

static bool same_content(const char *a, const char *b)
{
	cleanup_memory uint8_t *left = NULL;
	cleanup_memory uint8_t *right = NULL;
	size_t left_size, right_size;

	return !file_read(a, FILE_LIMIT, &left, &left_size, NULL) &&
	       !file_read(b, FILE_LIMIT, &right, &right_size, NULL) && left_size == right_size &&
	       memcmp(left, right, left_size) == 0;
}

static bool differs(struct tree *tree, const struct tree_file *file)
{
	struct stat before, now;
	char path[PATH_MAX];
	bool there, was;

	if (!original_path(tree, file, path, sizeof(path)))
		return false;
	was = stat(path, &before) == 0;
	there = stat(file->path, &now) == 0;
	if (was && there && before.st_size == now.st_size &&
	    written_ns(&before) == written_ns(&now))
		return false;
	if (there && written_ns(&now) > tree->newest_ns)
		tree->newest_ns = written_ns(&now);
	return was != there || (was && !same_content(path, file->path));
}

size_t tree_look(struct tree *tree)
{
	size_t count = 0;

	tree->newest_ns = 0;
	for (size_t i = 0; i < tree->count; i++) {
		tree->files[i].differs = differs(tree, &tree->files[i]);
		count += tree->files[i].differs;
	}
	return count;
}

static int add_diff(const struct tree *tree, const struct tree_file *file, struct bytes *text,
		    struct suture_error *err)
{
	const char *name = file->path + strlen(tree->root) + 1;
	char original[PATH_MAX], from[PATH_MAX + 2], to[PATH_MAX + 2];
	bool there = access(file->path, F_OK) == 0;
	char *argv[] = {(char *)"diff",
			(char *)"-u",
			(char *)"--label",
			from,
			(char *)"--label",
			to,
			original,
			there ? file->path : (char *)"/dev/null",
			NULL};
	struct child child;
	int rc;

	original_path(tree, file, original, sizeof(original));
	snprintf(from, sizeof(from), "a/%s", name);
	snprintf(to, sizeof(to), there ? "b/%s" : "/dev/null", name);
	rc = child_run(argv, NULL, &child, err);
	if (!rc && child.exit_code > 1)
		rc = error_set(err, SUTURE_E_IO, "diff %s: %.200s", name,
			       (const char *)child.err.data);
	if (!rc)
		bytes_add(text, child.out.data, child.out.size - 1);
	child_fini(&child);
	return rc;
}

int tree_diff(const struct tree *tree, const char *path, struct suture_error *err)
{
	struct bytes text = {0};
	int rc = 0;

	for (size_t i = 0; !rc && i < tree->count; i++)
		if (tree->files[i].differs)
			rc = add_diff(tree, &tree->files[i], &text, err);
	if (!rc && !bytes_ok(&text))
		rc = error_no_memory(err);
	if (!rc)
		rc = file_replace(path, text.data ? text.data : (uint8_t *)"", text.size, 0600,
				  err);
	bytes_fini(&text);
	return rc;
}

bool tree_concerns(const struct tree *tree, const char *folder, const char *name)
{
	static const char *const extensions[] = {".c",	 ".cc",	 ".cpp", ".cxx", ".h",	 ".hh",
						 ".hpp", ".hxx", ".inc", ".inl", ".ipp", ".def"};
	const char *dot = strrchr(name, '.');
	char path[PATH_MAX];
	struct tree_file wanted = {.path = path};

	if ((size_t)snprintf(path, sizeof(path), "%s/%s", folder, name) >= sizeof(path))
		return false;
	if (bsearch(&wanted, tree->files, tree->count, sizeof(*tree->files), by_path))
		return true;
	/* ".#x.c" and "x.c~" are what editors leave beside it. */
	for (size_t i = 0; dot && name[0] != '.' && i < sizeof(extensions) / sizeof(extensions[0]);
	     i++)
		if (strcmp(dot, extensions[i]) == 0)
			return true;
	return false;
}
