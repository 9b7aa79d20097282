/* SPDX-License-Identifier: MIT */
/* Looking for a name in a tree; see mentions.h. A test script in a diff needs no compiler's word.
 */
#include "builder/mentions.h"

#include "builder/path.h"

#include "base/file.h"

#include <dirent.h>
#include <string.h>
#include <sys/stat.h>

enum { DEPTH_MAX = 32, TEXT_SIZE_MAX = 1 << 20, FILES_MAX = 20000 };

bool mentions_expected(const char *path)
{
	static const char *const extensions[] = {".h",	 ".hh",	 ".hpp", ".hxx", ".h++",
						 ".H",	 ".inc", ".inl", ".ipp", ".tcc",
						 ".tpp", ".def", ".txx", ".ixx", ".cppm"};
	const char *dot = strrchr(path_base(path), '.');

	for (size_t i = 0; dot && i < sizeof(extensions) / sizeof(extensions[0]); i++)
		if (strcmp(dot, extensions[i]) == 0)
			return true;
	return !dot || path_is_source(path);
}

struct search {
	const char *name;
	size_t length;
	size_t left; /* files that may still be read */
};

/* The end of "NAME" or <NAME>, which is how an #include has it, also by way of a macro. */
static bool in_text(const struct search *search, const char *text, size_t size)
{
	const char *end = text + size;

	while ((text = memmem(text, (size_t)(end - text), search->name, search->length))) {
		text += search->length;
		if (text < end && (*text == '"' || *text == '>'))
			return true;
	}
	return false;
}

static bool in_file(struct search *search, const char *path, const struct stat *st)
{
	cleanup_memory uint8_t *text = NULL;
	size_t size;

	/* What is larger is no text that a program includes, but data or what a build made. */
	if (st->st_size > TEXT_SIZE_MAX)
		return strchr(path_base(path), '.') && mentions_expected(path);
	if (!search->left--)
		return true;
	return !file_read(path, TEXT_SIZE_MAX, &text, &size, NULL) &&
	       in_text(search, (const char *)text, size);
}

static bool is_made(const char *name)
{
	const char *dot = strrchr(name, '.');

	return dot && (strcmp(dot, ".o") == 0 || strcmp(dot, ".a") == 0 || strcmp(dot, ".d") == 0 ||
		       strcmp(dot, ".so") == 0 || strcmp(dot, ".lo") == 0);
}

static bool in_folder(struct search *search, const char *folder, unsigned depth)
{
	DIR *dir = depth < DEPTH_MAX ? opendir(folder) : NULL;
	struct dirent *entry;
	bool found = !dir;

	while (!found && dir && (entry = readdir(dir))) {
		cleanup_memory char *path = NULL;
		struct stat st;

		if (entry->d_name[0] == '.' || is_made(entry->d_name))
			continue;
		path = path_join(folder, entry->d_name);
		if (!path || lstat(path, &st) < 0)
			found = true;
		else if (S_ISDIR(st.st_mode))
			found = in_folder(search, path, depth + 1);
		else if (S_ISREG(st.st_mode))
			found = in_file(search, path, &st);
	}
	if (dir)
		closedir(dir);
	return found;
}

bool mentions_any(const char *folder, const char *name)
{
	struct search search = {.name = name, .length = strlen(name), .left = FILES_MAX};

	return in_folder(&search, folder, 0);
}
