/* SPDX-License-Identifier: MIT */
/*
 * The view; see overlay.h. A tree may be known by two spellings (a symbolic link above it): the
 * view has both, since a command may use either.
 */
#include "builder/overlay.h"

#include "builder/path.h"
#include "builder/precompiled.h"

#include "base/error.h"
#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>

void overlay_fini(struct overlay *overlay)
{
	free(overlay->top);
	strings_fini(&overlay->roots);
	strings_fini(&overlay->folders);
	*overlay = (struct overlay){0};
}

char *overlay_path(const struct overlay *overlay, const char *path)
{
	char *mapped = NULL;

	if (asprintf(&mapped, "%s%s", overlay->top, strcmp(path, "/") ? path : "") < 0)
		return NULL;
	return mapped;
}

bool overlay_covers(const struct overlay *overlay, const char *path)
{
	for (size_t i = 0; i < overlay->roots.count; i++)
		if (path_inside(path, overlay->roots.items[i]))
			return true;
	return false;
}

/* A link in the tree: one that stays inside the roots must stay inside the view. */
static int mirror_link(const struct overlay *overlay, const char *from, const char *to)
{
	cleanup_memory char *real = realpath(from, NULL);
	cleanup_memory char *mapped = NULL;

	if (real && overlay_covers(overlay, real))
		mapped = overlay_path(overlay, real);
	return symlink(mapped ? mapped : real ? real : from, to);
}

/*
 * Objects and version control are nothing that a compiler includes, and often most of the files.
 * Precompiled headers hold other headers as they were.
 */
static bool is_left_out(const struct dirent *entry)
{
	const char *name = entry->d_name;
	const char *dot = entry->d_type == DT_DIR ? NULL : strrchr(name, '.');

	if (precompiled_is(name)) /* gcc's may be a folder */
		return true;
	return strcmp(name, ".git") == 0 || strcmp(name, ".svn") == 0 || strcmp(name, ".hg") == 0 ||
	       (dot && (strcmp(dot, ".o") == 0 || strcmp(dot, ".a") == 0 ||
			strcmp(dot, ".d") == 0 || strcmp(dot, ".lo") == 0));
}

static int mirror_folder(const struct overlay *overlay, const char *from, const char *to,
			 struct suture_error *err);

static int mirror_entry(const struct overlay *overlay, const char *folder, const char *target,
			const struct dirent *entry, struct suture_error *err)
{
	cleanup_memory char *from = path_join(folder, entry->d_name);
	cleanup_memory char *to = path_join(target, entry->d_name);
	unsigned char type = entry->d_type;
	struct stat st;

	if (!from || !to)
		return error_no_memory(err);
	if (type == DT_UNKNOWN && lstat(from, &st) == 0)
		type = S_ISDIR(st.st_mode) ? DT_DIR : S_ISLNK(st.st_mode) ? DT_LNK : DT_REG;
	/* The temporary folder itself may lie in a root. */
	if (type == DT_DIR && path_inside(overlay->top, from) && strcmp(overlay->top, from) == 0)
		return 0;
	if (type == DT_DIR)
		return mirror_folder(overlay, from, to, err);
	if ((type == DT_LNK ? mirror_link(overlay, from, to) : symlink(from, to)) < 0 &&
	    errno != EEXIST)
		return error_errno(err, SUTURE_E_IO, errno, "%s", to);
	return 0;
}

/* A folder inside a root: real, with its files as links. One that can't be read stays empty. */
static int mirror_folder(const struct overlay *overlay, const char *from, const char *to,
			 struct suture_error *err)
{
	struct dirent *entry;
	int rc = 0;
	DIR *dir;

	if (mkdir(to, 0700) < 0 && errno != EEXIST)
		return error_errno(err, SUTURE_E_IO, errno, "%s", to);
	dir = opendir(from);
	if (!dir)
		return 0;
	while (!rc && (entry = readdir(dir))) {
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 &&
		    !is_left_out(entry))
			rc = mirror_entry(overlay, from, to, entry, err);
	}
	closedir(dir);
	return rc;
}

/* True when a folder that has to be real is there or below. */
static bool leads_to_real(const struct overlay *overlay, const char *path)
{
	for (size_t i = 0; i < overlay->folders.count; i++)
		if (path_inside(overlay->folders.items[i], path))
			return true;
	return false;
}

/* A folder of a full view's root is filled by mirror_folder(). */
static bool is_filled_later(const struct overlay *overlay, const char *path)
{
	for (size_t i = 0; i < overlay->roots.count; i++)
		if (overlay->full && path_inside(path, overlay->roots.items[i]))
			return true;
	return false;
}

/* A real folder: links to all its entries, but for those that are or lead to real ones. */
static int mirror_real(const struct overlay *overlay, const char *from, struct suture_error *err)
{
	cleanup_memory char *to = overlay_path(overlay, from);
	struct dirent *entry;
	int rc = 0;
	DIR *dir;

	if (!to)
		return error_no_memory(err);
	if (mkdir(to, 0700) < 0 && errno != EEXIST)
		return error_errno(err, SUTURE_E_IO, errno, "%s", to);
	dir = is_filled_later(overlay, from) ? NULL : opendir(from);
	while (dir && !rc && (entry = readdir(dir))) {
		cleanup_memory char *below = path_join(from, entry->d_name);
		cleanup_memory char *target = path_join(to, entry->d_name);

		if (!below || !target)
			rc = error_no_memory(err);
		else if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
			 is_left_out(entry) || leads_to_real(overlay, below))
			continue;
		else if (symlink(below, target) < 0 && errno != EEXIST)
			rc = error_errno(err, SUTURE_E_IO, errno, "%s", target);
	}
	if (dir)
		closedir(dir);
	return rc;
}

/* All folders from "/" to this one. */
static int mirror_way(const struct overlay *overlay, const char *folder, struct strings *done,
		      struct suture_error *err)
{
	cleanup_memory char *way = strdup(folder);
	int rc = 0;

	if (!way)
		return error_no_memory(err);
	for (char *at = way;; at++) {
		char kept = *at;
		const char *here;

		if (kept && kept != '/')
			continue;
		*at = '\0';
		here = *way ? way : "/";
		if (!strings_contain(done, here) && path_exists(here)) {
			strings_add(done, here);
			rc = mirror_real(overlay, here, err);
		}
		*at = kept;
		if (!kept || rc)
			return rc;
	}
}

/* Drops what lies in another root. "/" and the like would mirror the whole machine. */
static void reduce_roots(struct strings *roots, const struct strings *wanted)
{
	struct strings sorted = {0};

	for (size_t i = 0; i < wanted->count; i++) {
		char *real = path_real("/", wanted->items[i]);

		strings_take(&sorted, path_absolute("/", wanted->items[i]));
		if (real)
			strings_add_once(&sorted, real);
		else
			sorted.failed = true;
		free(real);
	}
	strings_sort(&sorted);
	for (size_t i = 0; i < sorted.count; i++) {
		bool inside = false;

		for (size_t j = 0; j < roots->count && !inside; j++)
			inside = path_inside(sorted.items[i], roots->items[j]);
		if (!inside)
			strings_add(roots, sorted.items[i]);
	}
	roots->failed |= sorted.failed;
	strings_fini(&sorted);
}

/* Both spellings of each folder that the view covers. */
static void take_folders(struct overlay *overlay, const struct strings *folders)
{
	for (size_t i = 0; i < folders->count; i++) {
		cleanup_memory char *plain = path_absolute("/", folders->items[i]);
		cleanup_memory char *real = path_real("/", folders->items[i]);

		if (!plain || !real) {
			overlay->folders.failed = true;
			return;
		}
		if (overlay_covers(overlay, plain))
			strings_add_once(&overlay->folders, plain);
		if (overlay_covers(overlay, real))
			strings_add_once(&overlay->folders, real);
	}
}

int overlay_init(struct overlay *overlay, const char *top, const struct strings *roots,
		 const struct strings *folders, struct suture_error *err)
{
	struct strings done = {0};
	int rc = 0;

	*overlay = (struct overlay){.top = strdup(top), .full = !folders};
	reduce_roots(&overlay->roots, roots);
	take_folders(overlay, folders ? folders : &overlay->roots);
	if (!overlay->top || !strings_ok(&overlay->roots) || !strings_ok(&overlay->folders))
		return error_no_memory(err);
	for (size_t i = 0; i < overlay->roots.count; i++) {
		if (strcmp(overlay->roots.items[i], "/") != 0 &&
		    strcmp(overlay->roots.items[i], "/usr") != 0)
			continue;
		error_set(err, SUTURE_E_UNSUPPORTED, "%s as a source folder",
			  overlay->roots.items[i]);
		return error_next(err, "name the folder of the sources with --source");
	}
	for (size_t i = 0; i < overlay->folders.count && !rc; i++)
		rc = mirror_way(overlay, overlay->folders.items[i], &done, err);
	for (size_t i = 0; i < overlay->roots.count && !rc && !folders; i++) {
		cleanup_memory char *to = overlay_path(overlay, overlay->roots.items[i]);

		rc = to ? mirror_folder(overlay, overlay->roots.items[i], to, err)
			: error_no_memory(err);
	}
	strings_fini(&done);
	return rc;
}

/*
 * Nothing is written through a link: what exists of the way to the file must be the view's own.
 */
static int check_own(const struct overlay *overlay, const char *to, struct suture_error *err)
{
	cleanup_memory char *top = realpath(overlay->top, NULL);
	cleanup_memory char *folder = path_folder(to);

	while (folder && top) {
		cleanup_memory char *real = realpath(folder, NULL);
		char *up;

		if (real)
			return path_inside(real, top)
				       ? 0
				       : error_set(err, SUTURE_E_INTERNAL,
						   "%s would be written outside of the view", to);
		up = path_folder(folder);
		free(folder);
		folder = up;
	}
	return error_no_memory(err);
}

/* The new file takes the old one's times: __TIMESTAMP__ stays. */
static int write_file(const char *to, const char *original, const void *text, size_t size,
		      struct suture_error *err)
{
	cleanup_memory char *folder = path_folder(to);
	struct stat st;
	int rc;

	if (!folder)
		return error_no_memory(err);
	rc = path_make_folders(folder, err);
	if (!rc)
		rc = file_replace(to, text, size, 0600, err);
	if (!rc && stat(original, &st) == 0) {
		struct timespec times[2] = {st.st_atim, st.st_mtim};

		utimensat(AT_FDCWD, to, times, 0);
	}
	return rc;
}

static int replace_at(const struct overlay *overlay, const char *path, const void *text,
		      size_t size, struct suture_error *err)
{
	cleanup_memory char *to = overlay_path(overlay, path);

	if (!to)
		return error_no_memory(err);
	if (check_own(overlay, to, err))
		return -(int)SUTURE_E_INTERNAL;
	if (text)
		return write_file(to, path, text, size, err);
	if (unlink(to) < 0 && errno != ENOENT)
		return error_errno(err, SUTURE_E_IO, errno, "%s", to);
	return 0;
}

int overlay_replace(const struct overlay *overlay, const char *path, const void *text, size_t size,
		    struct suture_error *err)
{
	cleanup_memory char *plain = path_absolute("/", path);
	cleanup_memory char *real = path_real("/", path);
	int rc;

	if (!plain || !real)
		return error_no_memory(err);
	if (!overlay_covers(overlay, plain))
		return error_set(err, SUTURE_E_INTERNAL, "%s is in no root of the view", path);
	rc = replace_at(overlay, plain, text, size, err);
	if (!rc && strcmp(plain, real) != 0 && overlay_covers(overlay, real))
		rc = replace_at(overlay, real, text, size, err);
	/* The same root under its other name: roots hold both spellings. */
	for (size_t i = 0; i < overlay->roots.count && !rc; i++) {
		const char *root = overlay->roots.items[i];
		cleanup_memory char *real_root = path_real("/", root);
		cleanup_memory char *alias = NULL;

		if (!real_root)
			return error_no_memory(err);
		if (strcmp(root, real_root) == 0 || !path_inside(real, real_root))
			continue;
		if (asprintf(&alias, "%s%s", root, real + strlen(real_root)) < 0) {
			alias = NULL;
			return error_no_memory(err);
		}
		rc = replace_at(overlay, alias, text, size, err);
	}
	return rc;
}
