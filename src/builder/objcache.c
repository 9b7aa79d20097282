/* SPDX-License-Identifier: MIT */
/* Cached objects; see objcache.h. An entry is FOLDER/KEY: the object and a hash over it. */
#include "builder/objcache.h"

#include "builder/path.h"

#include "base/bytes.h"
#include "base/file.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

enum { ENTRY_SIZE_MAX = 1 << 29 };

/* Part of each key: to be changed with whatever makes old entries wrong. */
static const char version[] = "suture object cache 1";

char *objcache_default(void)
{
	const char *cache = getenv("XDG_CACHE_HOME");
	const char *home = getenv("HOME");
	char *folder;

	if (cache && *cache == '/')
		return path_join(cache, "suture");
	if (!home || *home != '/' || asprintf(&folder, "%s/.cache/suture", home) < 0)
		return NULL;
	return folder;
}

/* Adds the text with every `top` taken out. */
static void add_without(struct bytes *bytes, const char *text, size_t size, const char *top)
{
	size_t length = top ? strlen(top) : 0;
	const char *end = text + size;

	for (const char *at = text; length;) {
		const char *found = memmem(at, (size_t)(end - at), top, length);

		if (!found) {
			text = at;
			break;
		}
		bytes_add(bytes, at, (size_t)(found - at));
		at = found + length;
	}
	bytes_add(bytes, text, (size_t)(end - text));
}

static void finish(struct bytes *bytes, char digest[HASH_TEXT_SIZE])
{
	uint8_t hash[HASH_SIZE];

	digest[0] = '\0';
	if (bytes_ok(bytes)) {
		hash_bytes(bytes->data, bytes->size, hash);
		hash_text(hash, digest);
	}
	bytes_fini(bytes);
}

void objcache_digest(const char *text, size_t size, const char *top, char digest[HASH_TEXT_SIZE])
{
	struct bytes bytes = {0};

	digest[0] = '\0';
	/* Files that the assembler reads are not in the text. */
	if (memmem(text, size, ".incbin", 7) || memmem(text, size, ".include", 8) ||
	    memmem(text, size, "pch_preprocess", 14))
		return;
	add_without(&bytes, text, size, top);
	finish(&bytes, digest);
}

/* Options that make the compiler read more than the source. */
static bool reads_more(const char *arg)
{
	static const char *const starts[] = {
		"-fprofile-use",
		"-fauto-profile",
		"-fbranch-probabilities",
		"-fprofile-instr-use",
		"-fprofile-sample",
		"-fplugin",
		"-fpass-plugin",
		"-specs",
		"--specs",
		"-fsanitize-",
		"-fmodule",
		"-include-pch",
		"-fxray-",
		"-frandomize-",
		"-wrapper",
		"-fprebuilt-module",
		"-fcs-profile",
		"-load",
		"-fprofile-list",
		"-fno-integrated-cc1",
		"-Xclang",
	};

	for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++)
		if (strncmp(arg, starts[i], strlen(starts[i])) == 0)
			return true;
	return false;
}

/* The file that a name in PATH means, with its size and time: another compiler, another key. */
static bool add_compiler(struct bytes *bytes, const char *name)
{
	static const char *const variables[] = {"COMPILER_PATH", "GCC_EXEC_PREFIX", "PATH",
						"SOURCE_DATE_EPOCH", "CCC_OVERRIDE_OPTIONS"};
	cleanup_memory char *found = NULL;
	const char *list = strchr(name, '/') ? "" : getenv("PATH");
	struct stat file;

	if (strchr(name, '/'))
		found = realpath(name, NULL);
	while (list && *list && !found) {
		size_t length = strcspn(list, ":");
		cleanup_memory char *path = NULL;

		if (asprintf(&path, "%.*s/%s", (int)length, list, name) < 0)
			path = NULL;
		if (path && access(path, X_OK) == 0)
			found = realpath(path, NULL);
		list += length + (list[length] == ':');
	}
	if (!found || stat(found, &file) < 0)
		return false;
	bytes_add_string(bytes, found);
	bytes_add(bytes, &file.st_size, sizeof(file.st_size));
	bytes_add(bytes, &file.st_mtim, sizeof(file.st_mtim));
	for (size_t i = 0; i < sizeof(variables) / sizeof(variables[0]); i++) {
		const char *value = getenv(variables[i]);

		bytes_add_string(bytes, value ? value : "");
	}
	return true;
}

bool objcache_key(const struct strings *argv, const struct strings *environment,
		  const char *directory, const char *output, const char *top, const char *text,
		  char key[HASH_TEXT_SIZE])
{
	struct bytes bytes = {0};

	if (!*text || !argv->count)
		return false;
	bytes_add_string(&bytes, version);
	bytes_add_string(&bytes, text);
	if (!add_compiler(&bytes, argv->items[0])) {
		bytes_fini(&bytes);
		return false;
	}
	for (size_t i = 0; i < environment->count; i++)
		bytes_add(&bytes, environment->items[i], strlen(environment->items[i]) + 1);
	for (size_t i = 0; i <= argv->count; i++) {
		const char *arg = i < argv->count ? argv->items[i] : directory;

		if (reads_more(arg)) {
			bytes_fini(&bytes);
			return false;
		}
		/* OUT and OUT.d: the same in every build but for the folder. */
		if (strncmp(arg, output, strlen(output)) == 0)
			arg += strlen(output);
		add_without(&bytes, arg, strlen(arg), top);
		bytes_add(&bytes, "", 1);
	}
	finish(&bytes, key);
	return *key;
}

bool objcache_take(const char *folder, const char *key, const char *path)
{
	cleanup_memory char *entry = path_join(folder, key);
	cleanup_memory uint8_t *data = NULL;
	uint8_t hash[HASH_SIZE];
	size_t size;

	if (!entry || file_read(entry, ENTRY_SIZE_MAX, &data, &size, NULL) || size < HASH_SIZE)
		return false;
	size -= HASH_SIZE;
	hash_bytes(data, size, hash);
	if (memcmp(hash, data + size, HASH_SIZE) != 0) {
		unlink(entry);
		return false;
	}
	/* Its time says when it was used last. */
	utimensat(AT_FDCWD, entry, NULL, 0);
	return file_replace(path, data, size, 0600, NULL) == 0;
}

void objcache_keep(const char *folder, const char *key, const char *path)
{
	cleanup_memory char *entry = path_join(folder, key);
	cleanup_memory uint8_t *data = NULL;
	struct bytes bytes = {0};
	uint8_t hash[HASH_SIZE];
	size_t size;

	if (!entry || path_make_folders(folder, NULL) ||
	    file_read(path, ENTRY_SIZE_MAX, &data, &size, NULL))
		return;
	hash_bytes(data, size, hash);
	bytes_add(&bytes, data, size);
	bytes_add(&bytes, hash, sizeof(hash));
	if (bytes_ok(&bytes))
		file_replace(entry, bytes.data, bytes.size, 0600, NULL);
	bytes_fini(&bytes);
}

struct entry {
	char *name; /* owned */
	size_t size;
	struct timespec used;
};

static int oldest_first(const void *left, const void *right)
{
	const struct entry *a = left, *b = right;

	if (a->used.tv_sec != b->used.tv_sec)
		return a->used.tv_sec < b->used.tv_sec ? -1 : 1;
	return a->used.tv_nsec < b->used.tv_nsec ? -1 : a->used.tv_nsec > b->used.tv_nsec;
}

/* Entries have the length of a key: nothing else in the folder is touched. */
static struct entry *list_entries(DIR *dir, size_t *count, size_t *total)
{
	struct entry *entries = NULL;
	struct dirent *found;

	while ((found = readdir(dir))) {
		struct entry *more;
		struct stat file;

		if (strlen(found->d_name) != HASH_TEXT_SIZE - 1 ||
		    fstatat(dirfd(dir), found->d_name, &file, AT_SYMLINK_NOFOLLOW) < 0 ||
		    !S_ISREG(file.st_mode))
			continue;
		more = reallocarray(entries, *count + 1, sizeof(*entries));
		if (!more)
			break;
		entries = more;
		entries[*count] =
			(struct entry){strdup(found->d_name), (size_t)file.st_size, file.st_mtim};
		*total += (size_t)file.st_size;
		*count += entries[*count].name != NULL;
	}
	return entries;
}

void objcache_trim(const char *folder, size_t limit)
{
	DIR *dir = opendir(folder);
	struct entry *entries;
	size_t count = 0, total = 0;

	if (!dir)
		return;
	entries = list_entries(dir, &count, &total);
	if (total > limit)
		qsort(entries, count, sizeof(*entries), oldest_first);
	for (size_t i = 0; i < count; i++) {
		if (total > limit && unlinkat(dirfd(dir), entries[i].name, 0) == 0)
			total -= entries[i].size;
		free(entries[i].name);
	}
	free(entries);
	closedir(dir);
}
