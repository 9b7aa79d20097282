/* SPDX-License-Identifier: MIT */
/* Reading a diff's headers, finding where it belongs; see diff.h. */
#include "builder/diff.h"

#include "builder/path.h"

#include "base/bytes.h"
#include "base/error.h"
#include "base/file.h"

#include <ctype.h>
#include <string.h>

enum { DIFF_SIZE_MAX = 1 << 28, STRIP_MAX = 16 };

void diff_fini(struct diff *diff)
{
	for (size_t i = 0; i < diff->count; i++) {
		free(diff->files[i].old_name);
		free(diff->files[i].new_name);
	}
	free(diff->files);
	free(diff->path);
	*diff = (struct diff){0};
}

/* A name in C quotes, as git writes those with unusual bytes. */
static char *unquote(const char *text, size_t length)
{
	static const char letters[] = "abtnvfr\"\\", bytes_of[] = "\a\b\t\n\v\f\r\"\\";
	struct bytes name = {0};

	for (size_t i = 1; i < length && text[i] != '"'; i++) {
		char byte = text[i];

		if (byte == '\\' && i + 1 < length) {
			const char *letter = strchr(letters, text[++i]);
			unsigned value = 0;

			byte = text[i];
			if (byte >= '0' && byte <= '7') {
				for (size_t digits = 0;
				     digits < 3 && i < length && text[i] >= '0' && text[i] <= '7';
				     digits++, i++)
					value = value * 8 + (unsigned)(text[i] - '0');
				i--;
				byte = (char)value;
			} else if (letter && *letter) {
				byte = bytes_of[letter - letters];
			}
		}
		bytes_add(&name, &byte, 1);
	}
	bytes_add(&name, "", 1);
	if (!bytes_ok(&name)) {
		bytes_fini(&name);
		return NULL;
	}
	return (char *)name.data;
}

/* The name of a ---, +++ or rename line; the time behind a tab is no part of it. */
static char *name_of(const char *line, size_t length)
{
	const char *tab;

	while (length && (line[length - 1] == '\r' || line[length - 1] == ' '))
		length--;
	if (length && *line == '"')
		return unquote(line, length);
	tab = memchr(line, '\t', length);
	return strndup(line, tab ? (size_t)(tab - line) : length);
}

static bool starts(const char *line, size_t length, const char *with)
{
	return length >= strlen(with) && memcmp(line, with, strlen(with)) == 0;
}

static struct diff_file *file_add(struct diff *diff)
{
	struct diff_file *files = reallocarray(diff->files, diff->count + 1, sizeof(*files));

	if (!files)
		return NULL;
	diff->files = files;
	files[diff->count] = (struct diff_file){0};
	return &files[diff->count++];
}

/* "/dev/null" stands for no file. */
static int set_name(char **name, char *value, struct suture_error *err)
{
	if (!value)
		return error_no_memory(err);
	free(*name);
	*name = NULL;
	if (strcmp(value, "/dev/null") == 0)
		free(value);
	else
		*name = value;
	return 0;
}

/* Lines of a hunk still to come, from "@@ -A,B +C,D @@" (a missing count is 1). */
static bool hunk_counts(const char *line, size_t *old_left, size_t *new_left)
{
	unsigned long a, b = 1, c, d = 1;
	int end = 0;

	if (sscanf(line, "@@ -%lu,%lu%n", &a, &b, &end) < 2 || !end) {
		b = 1;
		end = 0;
		if (sscanf(line, "@@ -%lu%n", &a, &end) < 1)
			return false;
	}
	line += end;
	if (sscanf(line, " +%lu,%lu", &c, &d) < 2) {
		d = 1;
		if (sscanf(line, " +%lu", &c) < 1)
			return false;
	}
	*old_left = b;
	*new_left = d;
	return true;
}

/* What stands between files that no patch can carry. NULL: nothing of the kind. */
static const char *unfit(const char *line, size_t length)
{
	if (starts(line, length, "GIT binary patch") || starts(line, length, "Binary files "))
		return "it changes a binary file";
	if (starts(line, length, "new file mode 120") || starts(line, length, "new mode 120") ||
	    starts(line, length, "new file mode 160"))
		return "it makes a symbolic link or a submodule";
	return NULL;
}

/* The state of the header reader. */
struct header {
	struct diff_file *file; /* of the last "---", rename or copy line */
	size_t old_left, new_left;
	size_t hunks;
	const char *title; /* git's line that begins a file, in the text; NULL: another's diff */
	int title_length;
};

static int header_line(struct diff *diff, struct header *header, const char *line, size_t length,
		       bool names_follow, struct suture_error *err)
{
	const char *reason = unfit(line, length);

	if (starts(line, length, "diff --git ")) {
		header->title = line + strlen("diff --git ");
		header->title_length = (int)(length - strlen("diff --git "));
	}
	if (reason)
		return error_set(err, SUTURE_E_DIFF_FAILED, "%s: %.*s", reason,
				 header->title ? header->title_length : (int)length,
				 header->title ? header->title : line);
	if (starts(line, length, "rename from ") || starts(line, length, "copy from ")) {
		size_t skip = line[0] == 'r' ? 12 : 10;

		header->file = file_add(diff);
		if (!header->file)
			return error_no_memory(err);
		header->file->renamed = true;
		return set_name(&header->file->old_name, name_of(line + skip, length - skip), err);
	}
	if (starts(line, length, "rename to ") || starts(line, length, "copy to ")) {
		size_t skip = line[0] == 'r' ? 10 : 8;

		if (!header->file || !header->file->renamed)
			return error_set(err, SUTURE_E_DIFF_FAILED, "a rename without its origin");
		return set_name(&header->file->new_name, name_of(line + skip, length - skip), err);
	}
	if (starts(line, length, "diff --git ") || starts(line, length, "Index: "))
		header->file = NULL;
	if (starts(line, length, "--- ") && names_follow) {
		if (!header->file || !header->file->renamed) {
			header->file = file_add(diff);
			if (!header->file)
				return error_no_memory(err);
		} else {
			/* git's ---/+++ names have a prefix that its rename lines lack. */
			header->file->renamed = false;
		}
		return set_name(&header->file->old_name, name_of(line + 4, length - 4), err);
	}
	if (starts(line, length, "+++ ") && header->file)
		return set_name(&header->file->new_name, name_of(line + 4, length - 4), err);
	if (starts(line, length, "@@ -")) {
		if (!header->file || (!header->file->old_name && !header->file->new_name))
			return error_set(err, SUTURE_E_DIFF_FAILED, "a hunk without a file name");
		if (!hunk_counts(line, &header->old_left, &header->new_left))
			return error_set(err, SUTURE_E_DIFF_FAILED, "a damaged hunk header");
		/* Nothing before: a new file, though diff -N without its times names the old one.
		 */
		if (starts(line, length, "@@ -0,0 ") && header->file->new_name) {
			free(header->file->old_name);
			header->file->old_name = NULL;
		}
		header->hunks++;
	}
	return 0;
}

/* A line inside a hunk; what looks like a header there is text. */
static int hunk_line(struct header *header, char first, struct suture_error *err)
{
	size_t old_left = first == '+' || first == '\\' ? 0 : 1;
	size_t new_left = first == '-' || first == '\\' ? 0 : 1;

	if (!strchr(" +-\\\n\r\t", first) || old_left > header->old_left ||
	    new_left > header->new_left)
		return error_set(err, SUTURE_E_DIFF_FAILED, "a damaged hunk");
	header->old_left -= old_left;
	header->new_left -= new_left;
	return 0;
}

int diff_parse(const char *text, size_t size, struct diff *diff, struct suture_error *err)
{
	struct header header = {0};
	size_t number = 0;

	if (memchr(text, '\0', size))
		return error_set(err, SUTURE_E_DIFF_FAILED, "not a text");
	for (const char *line = text, *end = text + size; line < end;) {
		const char *newline = memchr(line, '\n', (size_t)(end - line));
		size_t length = newline ? (size_t)(newline - line) : (size_t)(end - line);
		const char *next = newline ? newline + 1 : end;
		int rc;

		number++;
		if (header.old_left || header.new_left)
			rc = hunk_line(&header, *line, err);
		else
			rc = header_line(diff, &header, line, length,
					 starts(next, (size_t)(end - next), "+++ "), err);
		if (rc) {
			error_context(err, "line %zu", number);
			return rc;
		}
		line = next;
	}
	if (header.old_left || header.new_left)
		return error_set(err, SUTURE_E_DIFF_FAILED, "it ends inside a hunk");
	for (size_t i = 0; i < diff->count; i++)
		if (diff->files[i].renamed && !diff->files[i].new_name)
			return error_set(err, SUTURE_E_DIFF_FAILED, "a rename without its end");
	if (diff->count == 0)
		return error_set(err, SUTURE_E_DIFF_FAILED, "no unified diff in it");
	return 0;
}

int diff_read(const char *path, struct diff *diff, struct suture_error *err)
{
	cleanup_memory uint8_t *data = NULL;
	cleanup_memory char *text = NULL;
	size_t size;
	int rc = file_read(path, DIFF_SIZE_MAX, &data, &size, err);

	if (rc)
		return rc;
	diff->path = strdup(path);
	text = malloc(size + 1); /* sscanf() wants an end */
	if (!diff->path || !text)
		return error_no_memory(err);
	memcpy(text, data, size);
	text[size] = '\0';
	rc = diff_parse(text, size, diff, err);
	if (rc) {
		error_context(err, "%s", path);
		error_next(err, "make it with `diff -u`, `diff -ruN` or `git diff`");
	}
	return rc;
}

/* The name behind `strip` folders, or NULL where it hasn't so many. */
static const char *stripped(const char *name, unsigned strip)
{
	for (; name && strip; strip--) {
		name = strchr(name, '/');
		while (name && *name == '/')
			name++;
	}
	return name && *name ? name : NULL;
}

/* What diff and patch would do with such a name is nothing that we want done. */
static int check_name(const char *name, struct suture_error *err)
{
	if (!name)
		return 0;
	if (*name == '/')
		return error_set(err, SUTURE_E_DIFF_FAILED, "%s: an absolute path", name);
	for (const char *at = name; *at;) {
		size_t length = strcspn(at, "/");

		if (length == 2 && at[0] == '.' && at[1] == '.')
			return error_set(err, SUTURE_E_DIFF_FAILED,
					 "%s: leads out of the source folder", name);
		at += length;
		at += strspn(at, "/");
	}
	if (strchr(name, '\n') || !*name)
		return error_set(err, SUTURE_E_DIFF_FAILED, "a file name that can't be one");
	return 0;
}

static bool present(const char *root, const char *name, unsigned strip)
{
	cleanup_memory char *path = NULL;

	name = name ? stripped(name, strip) : NULL;
	path = name ? path_join(root, name) : NULL;
	return path && path_exists(path);
}

/* Existing files found with this root and strip; SIZE_MAX where a name has too few folders. */
static size_t count_present(const struct diff *diff, const char *root, unsigned strip,
			    size_t *wanted)
{
	size_t found = 0;

	*wanted = 0;
	for (size_t i = 0; i < diff->count; i++) {
		const struct diff_file *file = &diff->files[i];
		/* git's rename lines have no a/ and b/. */
		unsigned own = file->renamed && strip ? strip - 1 : strip;

		if ((file->old_name && !stripped(file->old_name, own)) ||
		    (file->new_name && !stripped(file->new_name, own)))
			return SIZE_MAX;
		if (!file->old_name)
			continue;
		(*wanted)++;
		found += present(root, file->old_name, own) || present(root, file->new_name, own);
	}
	return found;
}

int diff_locate(const struct diff *diff, const struct strings *roots, size_t *root, unsigned *strip,
		struct suture_error *err)
{
	/* git and most people write one folder in front. */
	static const unsigned usual[] = {1, 0};
	const char *missing = NULL;

	for (size_t i = 0; i < diff->count; i++) {
		int rc = check_name(diff->files[i].old_name, err);

		if (!rc)
			rc = check_name(diff->files[i].new_name, err);
		if (rc)
			return rc;
	}
	for (size_t r = 0; r < roots->count; r++) {
		for (unsigned level = 0; level < STRIP_MAX; level++) {
			unsigned at = level < 2 ? usual[level] : level;
			size_t wanted, found = count_present(diff, roots->items[r], at, &wanted);

			if (found != SIZE_MAX && found == wanted) {
				*root = r;
				*strip = at;
				return 0;
			}
		}
	}
	for (size_t i = 0; i < diff->count && !missing; i++)
		missing = diff->files[i].old_name;
	error_set(err, SUTURE_E_DIFF_FAILED, "%s: not found in %s, whatever is stripped from it",
		  missing ? missing : "the files of the diff", roots->items[0]);
	error_next(err, "name the folder that the diff belongs to with --source");
	return -(int)err->code;
}
