/* SPDX-License-Identifier: MIT */
/*
 * #line directives; see lines.h.
 *
 * One pass of the lexer over the patched text finds the lines that start outside everything, and
 * writes a directive where the compiler would count otherwise than wanted. A directive inside a
 * conditional group counts only when the group is compiled: an #else starts from the number that
 * the group began with, and behind an #endif nothing is known when one was written inside.
 */
#include "builder/lines.h"

#include "builder/lexer.h"

#include "base/error.h"
#include "base/file.h"

#include <stdint.h>
#include <string.h>

enum { NESTING_MAX = 256 };

/* How the compiler counts: a line's number is its place plus `delta`. */
struct counting {
	ptrdiff_t delta;
	bool known;
};

/* Round brackets that are open; braces inside them start afresh (the body of a lambda). */
struct brackets {
	unsigned open;
	unsigned outer[NESTING_MAX]; /* open outside each brace */
	unsigned braces;
};

/* An #if that is not closed yet. */
struct group {
	struct counting before; /* at the #if: its branches start alike */
	struct brackets brackets;
	bool written; /* a directive stands in it */
};

struct place {
	struct counting counting;
	struct brackets brackets;
	struct group *groups; /* owned, NESTING_MAX of them */
	unsigned depth;
	size_t line; /* of `counted` */
	size_t counted;
};

static void conditional(struct place *place, const struct lexer *lexer, struct lexer_token word)
{
	unsigned top = place->depth - 1;

	if (lexer_is(lexer, word, "if") || lexer_is(lexer, word, "ifdef") ||
	    lexer_is(lexer, word, "ifndef")) {
		if (place->depth < NESTING_MAX)
			place->groups[place->depth] =
				(struct group){place->counting, place->brackets, false};
		place->depth++;
	} else if (!place->depth || top >= NESTING_MAX) {
		place->depth -= place->depth && lexer_is(lexer, word, "endif");
	} else if (lexer_is(lexer, word, "else") || lexer_is(lexer, word, "elif") ||
		   lexer_is(lexer, word, "elifdef") || lexer_is(lexer, word, "elifndef")) {
		place->brackets = place->groups[top].brackets;
		place->counting = place->groups[top].before;
	} else if (lexer_is(lexer, word, "endif")) {
		place->counting = place->groups[top].before;
		if (place->groups[top].written)
			place->counting.known = false;
		place->depth--;
	}
}

static void bracket(struct brackets *brackets, const struct lexer *lexer, struct lexer_token token)
{
	if (lexer_is(lexer, token, "(")) {
		brackets->open++;
	} else if (lexer_is(lexer, token, ")")) {
		brackets->open -= brackets->open > 0;
	} else if (lexer_is(lexer, token, "{")) {
		if (brackets->braces < NESTING_MAX) {
			brackets->outer[brackets->braces] = brackets->open;
			brackets->open = 0;
		}
		brackets->braces++;
	} else if (lexer_is(lexer, token, "}") && brackets->braces) {
		brackets->braces--;
		if (brackets->braces < NESTING_MAX)
			brackets->open = brackets->outer[brackets->braces];
	}
}

static size_t line_at(struct place *place, const char *text, size_t offset)
{
	for (; place->counted < offset; place->counted++)
		place->line += text[place->counted] == '\n';
	return place->line;
}

/* True when only blanks lie between the start of the line and the offset. */
static bool starts_line(const char *text, size_t offset, size_t *line_start)
{
	while (offset > 0 && (text[offset - 1] == ' ' || text[offset - 1] == '\t'))
		offset--;
	*line_start = offset;
	return offset == 0 ||
	       (text[offset - 1] == '\n' && (offset < 2 || text[offset - 2] != '\\') &&
		(offset < 3 || text[offset - 2] != '\r' || text[offset - 3] != '\\'));
}

/* True when the compiler would give the line another number than it should have. */
static bool counts_wrong(const struct place *place, const struct numbers *numbers, size_t line)
{
	size_t wanted = line < numbers->count ? numbers->wanted[line] : 0;

	if (!wanted)
		return false;
	return !place->counting.known ||
	       (ptrdiff_t)line + place->counting.delta != (ptrdiff_t)wanted;
}

static void count_from(struct place *place, size_t line, size_t number)
{
	place->counting = (struct counting){(ptrdiff_t)number - (ptrdiff_t)line, true};
	for (unsigned i = 0; i < place->depth && i < NESTING_MAX; i++)
		place->groups[i].written = true;
}

/* The word behind a '#': the text's own #line, and what opens and closes groups. */
static void directive(struct place *place, const struct lexer *lexer, struct lexer_token word,
		      size_t line)
{
	struct lexer ahead = *lexer;
	size_t number;

	ahead.pos = word.start;
	number = numbers_directive(&ahead);
	if (number)
		count_from(place, line + 1, number);
	else
		conditional(place, lexer, word);
}

static void write_lines(struct place *place, const char *text, size_t size,
			const struct numbers *numbers, struct bytes *out)
{
	struct lexer lexer;
	struct lexer_token token, before = {0};
	size_t copied = 0;

	lexer_init(&lexer, text, size);
	for (; (token = lexer_next(&lexer)).kind != LEXER_END; before = token) {
		size_t line_start, line = line_at(place, text, token.start);

		/* No directive depends on its own number: none is corrected. */
		if (!lexer.in_directive && token.kind != LEXER_NEWLINE &&
		    place->brackets.open == 0 && counts_wrong(place, numbers, line) &&
		    !lexer_is(&lexer, token, "(") && starts_line(text, token.start, &line_start)) {
			bytes_add(out, text + copied, line_start - copied);
			bytes_add_format(out, "#line %zu\n", numbers->wanted[line]);
			copied = line_start;
			count_from(place, line, numbers->wanted[line]);
		}
		if (before.kind == LEXER_DIRECTIVE && token.kind == LEXER_WORD)
			directive(place, &lexer, token, line);
		else if (token.kind == LEXER_PUNCTUATOR && !lexer.in_directive)
			bracket(&place->brackets, &lexer, token);
	}
	bytes_add(out, text + copied, size - copied);
}

int lines_keep(const struct numbers *numbers, const char *text, size_t size, struct bytes *out,
	       struct suture_error *err)
{
	struct place place = {.counting = {1, true}};

	place.groups = calloc(NESTING_MAX, sizeof(*place.groups));
	if (place.groups)
		write_lines(&place, text, size, numbers, out);
	free(place.groups);
	return place.groups && bytes_ok(out) ? 0 : error_no_memory(err);
}
