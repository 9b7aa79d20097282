/* SPDX-License-Identifier: MIT */
/*
 * build.ninja of any generator, with the files that it includes, a Makefile, and the build.make
 * that CMake writes for each target. Only the lines that say what is made from what are read:
 * `build OUT: RULE IN`, `OUT: IN`. A variable in a name counts as empty: CMake writes names that
 * begin with its
 * ${cmake_ninja_workdir} a second time, and others are seldom names of files.
 */
#include "builder/rules.h"

#include "builder/path.h"

#include "base/file.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_SIZE_MAX = 1 << 28, DEPTH_MAX = 4, MADE_MAX = 256 };

struct dialect {
	char escape;	   /* before a blank, a colon, the end of a line */
	const char *begin; /* what a line of outputs starts with */
};

static const struct dialect ninja = {'$', "build "}, make = {'\\', ""};

/* One run through the rules, for one file. */
struct rules {
	const char *build_dir;
	const char *input;
	struct strings *made;
};

/* A name with its escapes taken out. */
struct word {
	char text[4096];
	size_t length;
};

/* Reads a word of a rule and returns what follows it; NULL at the end of the line. */
static const char *read_word(const struct dialect *dialect, const char *at, const char *end,
			     struct word *word)
{
	word->length = 0;
	for (;;) {
		while (at < end && (*at == ' ' || *at == '\t' || *at == '\r'))
			at++;
		if (at + 1 >= end || at[0] != dialect->escape || at[1] != '\n')
			break;
		at += 2;
	}
	if (at >= end || *at == '\n')
		return NULL;
	if (*at == ':') {
		strcpy(word->text, ":");
		return at + 1;
	}
	for (; at < end && !isspace((unsigned char)*at) && *at != ':'; at++) {
		if (*at == dialect->escape && at + 1 < end) {
			if (at[1] == '\n')
				break;
			if (dialect == &ninja && at[1] == '{') {
				const char *close = memchr(at, '}', (size_t)(end - at));

				at = close ? close : end - 1;
				continue;
			}
			at++;
		}
		if (word->length < sizeof(word->text) - 1)
			word->text[word->length++] = *at;
	}
	word->text[word->length] = '\0';
	return at;
}

static bool is_word(const struct word *word, const char *text)
{
	return strcmp(word->text, text) == 0;
}

/* Is `word`, seen from the folder of the build, the input? Most are told by their last part. */
static bool names_input(const struct rules *rules, const struct word *word)
{
	cleanup_memory char *real = NULL;

	if (strcmp(path_base(word->text), path_base(rules->input)) != 0)
		return false;
	real = path_real(rules->build_dir, word->text);
	return real && strcmp(real, rules->input) == 0;
}

/* Does a rule have the input behind its colon? What it is only to be made after does not count. */
static bool takes_input(const struct rules *rules, const struct dialect *dialect, const char *at,
			const char *end)
{
	struct word word;
	bool behind = false;

	while ((at = read_word(dialect, at, end, &word))) {
		if (behind && (is_word(&word, "||") || is_word(&word, "|@")))
			return false;
		if (behind && names_input(rules, &word))
			return true;
		behind = behind || is_word(&word, ":");
	}
	return false;
}

static void add_outputs(const struct rules *rules, const struct dialect *dialect, const char *at,
			const char *end)
{
	struct word word;

	while (rules->made->count < MADE_MAX && (at = read_word(dialect, at, end, &word)) &&
	       !is_word(&word, ":")) {
		cleanup_memory char *real = NULL;

		if (is_word(&word, "|") || !word.length)
			continue;
		real = path_real(rules->build_dir, word.text);
		if (real)
			strings_add_once(rules->made, real);
	}
}

static const char *next_line(const char *at, const char *end)
{
	const char *line = memchr(at, '\n', (size_t)(end - at));

	return line ? line + 1 : end;
}

/* The text without the line ends that an escape takes out is one rule. */
static const char *rule_end(const struct dialect *dialect, const char *at, const char *end)
{
	const char *line = next_line(at, end);

	while (line < end && line - at >= 2 && line[-2] == dialect->escape)
		line = next_line(line, end);
	return line;
}

static bool begins(const char *at, const char *end, const char *text)
{
	size_t length = strlen(text);

	return (size_t)(end - at) > length && strncmp(at, text, length) == 0;
}

static void search_file(const struct rules *rules, const struct dialect *dialect, const char *name,
			unsigned depth);

/* `include FILE`, `subninja FILE` */
static void search_included(const struct rules *rules, const char *at, const char *end,
			    unsigned depth)
{
	struct word word;

	if (depth < DEPTH_MAX && (begins(at, end, "include ") || begins(at, end, "subninja ")) &&
	    read_word(&ninja, strchr(at, ' '), end, &word))
		search_file(rules, &ninja, word.text, depth + 1);
}

static void search_file(const struct rules *rules, const struct dialect *dialect, const char *name,
			unsigned depth)
{
	cleanup_memory char *path = path_join(rules->build_dir, name);
	cleanup_memory uint8_t *text = NULL;
	const char *at, *end, *next;
	size_t size;

	if (!path || file_read(path, TEXT_SIZE_MAX, &text, &size, NULL))
		return;
	at = (const char *)text;
	end = at + size;
	for (; at < end; at = next) {
		next = rule_end(dialect, at, end);
		if (dialect == &ninja)
			search_included(rules, at, next, depth);
		if (isspace((unsigned char)*at) || *at == '#' || !begins(at, next, dialect->begin))
			continue;
		at += strlen(dialect->begin);
		if (takes_input(rules, dialect, at, next))
			add_outputs(rules, dialect, at, next);
	}
}

/* CMake says in one file which folders have a build.make: one folder a line. */
static void search_targets(const struct rules *rules)
{
	cleanup_memory char *list = path_join(rules->build_dir, "CMakeFiles/TargetDirectories.txt");
	cleanup_memory uint8_t *text = NULL;
	const char *at, *end, *next;
	size_t size;

	if (!list || file_read(list, TEXT_SIZE_MAX, &text, &size, NULL))
		return;
	at = (const char *)text;
	end = at + size;
	for (; at < end; at = next) {
		cleanup_memory char *folder = NULL;
		cleanup_memory char *file = NULL;

		next = next_line(at, end);
		folder = strndup(at, (size_t)(next - at) - (next[-1] == '\n'));
		file = folder ? path_join(folder, "build.make") : NULL;
		if (file)
			search_file(rules, &make, file, 0);
	}
}

void rules_made_from(const char *build_dir, const char *input, struct strings *made)
{
	cleanup_memory char *real = path_real("/", input);
	struct rules rules = {.build_dir = build_dir, .input = real, .made = made};
	size_t done = made->count;

	while (rules.input) {
		search_file(&rules, &ninja, "build.ninja", 0);
		search_file(&rules, &make, "Makefile", 0);
		search_targets(&rules);
		rules.input = done < made->count ? made->items[done++] : NULL;
	}
}
