/* SPDX-License-Identifier: MIT */
/*
 * Which files a generator made, told by the rules of the build, by what it wrote into them (`#line
 * 7 "parse.y"`: bison, flex, gperf, ragel, re2c do), else by their names. Sources are looked at
 * first; where there is none, what they include may be what is made.
 */
#include "builder/generated.h"

#include "builder/path.h"
#include "builder/rules.h"

#include "base/error.h"
#include "base/file.h"

#include <ctype.h>
#include <string.h>

enum { TEXT_SIZE_MAX = 1 << 28 };

bool generated_is_input(const char *name)
{
	static const char *const extensions[] = {
		".y",  ".yy", ".ypp",	".yxx", ".Y",	  ".l",	  ".ll",  ".lpp",   ".lex",
		".rl", ".re", ".gperf", ".m4",	".proto", ".idl", ".fbs", ".thrift"};
	const char *base = path_base(name);
	const char *dot = strrchr(base, '.');

	for (size_t i = 0; dot && i < sizeof(extensions) / sizeof(extensions[0]); i++)
		if (strcmp(dot, extensions[i]) == 0)
			return true;
	/* version.c.in, config.h.in; Makefile.in and configure.in are no text of the program. */
	return dot && strcmp(dot, ".in") == 0 && memchr(base, '.', (size_t)(dot - base));
}

/* "config.y" makes config.c, config.tab.cc, …; "version.c.in" makes version.c. */
static bool has_name_of(const char *made, const char *input)
{
	const char *name = path_base(input);
	const char *dot = strrchr(name, '.');
	size_t stem = dot ? (size_t)(dot - name) : 0;
	char kind = dot ? (char)tolower((unsigned char)dot[1]) : '\0';

	made = path_base(made);
	/* What yacc and lex call it, whatever the input is called. */
	if ((kind == 'y' && strncmp(made, "y.tab.", 6) == 0) ||
	    (kind == 'l' && strncmp(made, "lex.yy.", 7) == 0))
		return true;
	return stem && strncmp(made, name, stem) == 0 && (made[stem] == '.' || !made[stem]) &&
	       strcmp(made, name) != 0;
}

/* `#line 7 "NAME"`, or `# 7 "NAME"`, with any folder in front of the name. */
static bool is_marked(const char *text, size_t size, const char *name)
{
	const char *end = text + size, *next = text, *at;
	size_t length = strlen(name);

	while ((at = memmem(next, (size_t)(end - next), name, length))) {
		const char *line = memrchr(text, '\n', (size_t)(at - text));

		line = line ? line + 1 : text;
		next = at + length;
		if (line == at || *line != '#' || (at[-1] != '/' && at[-1] != '"') || next == end ||
		    *next != '"')
			continue;
		for (line++; *line == ' '; line++)
			;
		if (strncmp(line, "line ", 5) == 0 || isdigit((unsigned char)*line))
			return true;
	}
	return false;
}

static bool marks(const char *made, const char *input)
{
	cleanup_memory uint8_t *text = NULL;
	size_t size;

	return !file_read(made, TEXT_SIZE_MAX, &text, &size, NULL) &&
	       is_marked((const char *)text, size, path_base(input));
}

static bool is_changed(const struct plan *plan, const char *file)
{
	cleanup_memory char *real = path_real("/", file);

	for (size_t i = 0; real && i < plan->changes.count; i++) {
		cleanup_memory char *path = path_real("/", plan->changes.list[i].path);

		if (path && strcmp(path, real) == 0)
			return true;
	}
	return !real;
}

/* Files in which somebody's `#line` names the input prove what the names only suggest. */
static void find_sources(const struct generated *search, const char *input, bool by_mark,
			 size_t *count, const char **left)
{
	const struct compdb *db = &search->plan->db;

	for (size_t i = 0; i < db->count; i++) {
		const char *source = db->entries[i].file;

		if (!search->wanted[i] ||
		    !(by_mark ? marks(source, input) : has_name_of(source, input)))
			continue;
		++*count;
		if (!*left && !is_changed(search->plan, source))
			*left = source;
	}
}

/* A table of gperf's is often included by a source of the same name, which somebody wrote. */
static void find_included(const struct generated *search, const char *input, size_t *count,
			  const char **left)
{
	for (size_t i = 0; i < search->included.count; i++) {
		const char *file = search->included.items[i];

		if (!marks(file, input))
			continue;
		++*count;
		if (!*left && !is_changed(search->plan, file))
			*left = file;
	}
}

/* A header of a scanner's or parser's name may be somebody's own: theirs are parse.tab.h, x.pb.h.
 */
static bool is_header_of(const char *header, const char *input)
{
	char kind = (char)tolower((unsigned char)strrchr(path_base(input), '.')[1]);
	const char *dot = strchr(path_base(header), '.');

	return has_name_of(header, input) &&
	       ((kind != 'y' && kind != 'l' && kind != 'p') || (dot && strchr(dot + 1, '.')));
}

/* Several headers may be made from one input, of which a change reaches some. */
static const char *find_header(const struct generated *search, const char *input)
{
	const char *left = NULL;

	for (size_t i = 0; i < search->included.count; i++) {
		const char *header = search->included.items[i];

		if (!is_header_of(header, input))
			continue;
		if (is_changed(search->plan, header))
			return NULL;
		left = header;
	}
	return left;
}

/* Fills search->included. */
static int list_included(struct generated *search, struct suture_error *err)
{
	int rc = search->listed ? 0
				: deps_list(search->deps, &search->plan->db, search->wanted,
					    &search->included, err);

	search->listed = !rc;
	return rc;
}

/* What the build's rules make of the input, as far as the binary has it. */
static int find_by_rules(struct generated *search, const char *input, size_t *count,
			 const char **left, struct suture_error *err)
{
	struct strings made = {0};
	int rc = 0;

	rules_made_from(search->deps->build_dir, input, &made);
	if (made.count)
		rc = list_included(search, err);
	for (size_t i = 0; i < search->included.count && !rc; i++) {
		const char *file = search->included.items[i];

		if (!strings_contain(&made, file))
			continue;
		++*count;
		if (!*left && !is_changed(search->plan, file))
			*left = file;
	}
	strings_fini(&made);
	return rc;
}

bool generated_reads(struct generated *search, const char *real)
{
	return !list_included(search, NULL) && strings_contain(&search->included, real);
}

int generated_find(struct generated *search, const struct diff_change *change, const char **made,
		   struct suture_error *err)
{
	const char *input = change->name;
	size_t count = 0;
	int rc;

	*made = NULL;
	rc = find_by_rules(search, change->path, &count, made, err);
	if (rc)
		return rc;
	if (!count)
		find_sources(search, input, true, &count, made);
	if (count || !generated_is_input(input))
		return 0;
	rc = list_included(search, err);
	if (!rc)
		find_included(search, input, &count, made);
	if (!rc && !count)
		find_sources(search, input, false, &count, made);
	if (!rc && !count)
		*made = find_header(search, input);
	return rc;
}
