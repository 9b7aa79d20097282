/* SPDX-License-Identifier: MIT */
/*
 * Numbers of lines; see numbers.h. Inside a hunk, a new line that resembles an old one stands for
 * it (an edited line) and keeps its number; the pairs are those of the best alignment in order.
 */
#include "builder/numbers.h"

#include "base/error.h"
#include "base/file.h"

#include <ctype.h>
#include <stdint.h>
#include <string.h>

enum {
	BASE_SMALLEST = 100000,
	BASE_LARGEST = 1000000000, /* compilers take numbers below 2^31 */
	ALIGNMENT_MAX = 250000,	   /* pairs looked at in one hunk */
};

/* Where the original says `#line N`: its lines from there on have other numbers. */
struct renumber {
	size_t line;   /* the line of the directive, from 0 */
	size_t number; /* of the next line */
};

struct numbering {
	struct renumber *list; /* owned */
	size_t count;
	const struct numbers *before; /* says it of every line, or NULL */
};

size_t numbers_directive(struct lexer *lexer)
{
	struct lexer_token token = lexer_next(lexer);

	if (lexer_is(lexer, token, "line"))
		token = lexer_next(lexer);
	if (token.kind != LEXER_WORD || !isdigit((unsigned char)lexer->text[token.start]))
		return 0;
	return strtoul(lexer->text + token.start, NULL, 10);
}

static int numbering_init(const char *text, size_t size, struct numbering *numbering)
{
	struct lexer lexer;
	struct lexer_token token;
	size_t line = 0, counted = 0;

	lexer_init(&lexer, text, size);
	while ((token = lexer_next(&lexer)).kind != LEXER_END) {
		size_t number;

		if (token.kind != LEXER_DIRECTIVE)
			continue;
		for (; counted < token.start; counted++)
			line += text[counted] == '\n';
		number = numbers_directive(&lexer);
		if (!number)
			continue;
		struct renumber *list =
			reallocarray(numbering->list, numbering->count + 1, sizeof(*list));

		if (!list)
			return -1;
		numbering->list = list;
		list[numbering->count++] = (struct renumber){line, number};
	}
	return 0;
}

/* What __LINE__ was on that line (from 0) of the original. */
static size_t number_of(const struct numbering *numbering, size_t line)
{
	if (numbering->before)
		return line < numbering->before->count ? numbering->before->wanted[line] : 0;
	for (size_t i = numbering->count; i-- > 0;)
		if (numbering->list[i].line < line)
			return numbering->list[i].number + (line - numbering->list[i].line - 1);
	return line + 1;
}

static size_t count_lines(const char *text, size_t size)
{
	size_t count = 1;

	for (size_t i = 0; i < size; i++)
		count += text[i] == '\n';
	return count;
}

size_t numbers_base(const char *old_text, size_t old_size, const struct numbers *before)
{
	struct numbering numbering = {0};
	size_t lines = count_lines(old_text, old_size);
	size_t largest = lines, base = BASE_SMALLEST;

	if (numbering_init(old_text, old_size, &numbering))
		base = 0;
	for (size_t i = 0; i < numbering.count; i++)
		if (numbering.list[i].number > largest - lines)
			largest = numbering.list[i].number + lines;
	for (size_t i = 0; before && i < before->count; i++)
		if (before->wanted[i] > largest)
			largest = before->wanted[i];
	while (base && base <= largest && base <= BASE_LARGEST)
		base *= 10;
	free(numbering.list);
	return base <= BASE_LARGEST ? base : 0;
}

/* A line without blanks around it. */
struct slice {
	const char *text;
	size_t length;
};

static struct slice *split(const char *text, size_t size, size_t *count)
{
	struct slice *lines = calloc(count_lines(text, size), sizeof(*lines));
	const char *end = text + size;

	*count = 0;
	for (const char *at = text; lines && at < end;) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		const char *stop = newline ? newline : end;
		const char *next = newline ? newline + 1 : end;

		while (at < stop && isspace((unsigned char)*at))
			at++;
		while (stop > at && isspace((unsigned char)stop[-1]))
			stop--;
		lines[(*count)++] = (struct slice){at, (size_t)(stop - at)};
		at = next;
	}
	return lines;
}

/* 0: another line altogether; else the more, the more they have in common at both ends. */
static unsigned likeness(const struct slice *left, const struct slice *right)
{
	size_t shorter = left->length < right->length ? left->length : right->length;
	size_t longer = left->length + right->length - shorter;
	size_t head = 0, tail = 0;

	while (head < shorter && left->text[head] == right->text[head])
		head++;
	while (tail < shorter - head &&
	       left->text[left->length - 1 - tail] == right->text[right->length - 1 - tail])
		tail++;
	if (!longer || 2 * (head + tail) < longer)
		return 0;
	return (unsigned)(1000 * (head + tail) / longer);
}

/*
 * The alignment of n old with m new lines that has the most in common. mates[j] becomes the old
 * line of new line j, from 1, or stays 0.
 */
static int align(const struct slice *old, size_t n, const struct slice *new, size_t m,
		 size_t *mates)
{
	size_t width = m + 1;
	uint32_t *best;

	if (n == 1 && m == 1) {
		mates[0] = 1;
		return 0;
	}
	if (!n || !m || n > ALIGNMENT_MAX / m)
		return 0;
	best = calloc((n + 1) * width, sizeof(*best));
	if (!best)
		return -1;
	/* best[i][j]: what lines from i and from j on have in common at most. */
	for (size_t i = n; i-- > 0;) {
		for (size_t j = m; j-- > 0;) {
			unsigned like = likeness(&old[i], &new[j]);
			uint32_t most = best[(i + 1) * width + j];

			if (best[i * width + j + 1] > most)
				most = best[i * width + j + 1];
			if (like && best[(i + 1) * width + j + 1] + like > most)
				most = best[(i + 1) * width + j + 1] + like;
			best[i * width + j] = most;
		}
	}
	for (size_t i = 0, j = 0; i < n && j < m;) {
		uint32_t here = best[i * width + j];

		if (here == best[(i + 1) * width + j]) {
			i++;
		} else if (here == best[i * width + j + 1]) {
			j++;
		} else {
			mates[j++] = ++i;
		}
	}
	free(best);
	return 0;
}

static int number_hunk(struct numbers *numbers, size_t base, const struct numbering *numbering,
		       const struct hunk *hunk, const struct slice *old, const struct slice *new)
{
	size_t *mates = calloc(hunk->new_count + 1, sizeof(*mates));
	int rc = mates ? align(old + hunk->old_start, hunk->old_count, new + hunk->new_start,
			       hunk->new_count, mates)
		       : -1;

	for (size_t j = 0; j < hunk->new_count && !rc; j++) {
		size_t line = hunk->new_start + j;

		if (mates[j])
			numbers->wanted[line] =
				number_of(numbering, hunk->old_start + mates[j] - 1);
		else
			numbers->wanted[line] = base ? base + line + 1 : 0;
	}
	free(mates);
	return rc;
}

void numbers_fini(struct numbers *numbers)
{
	free(numbers->wanted);
	*numbers = (struct numbers){0};
}

int numbers_init(struct numbers *numbers, size_t base, const struct numbers *before,
		 const char *old_text, size_t old_size, const char *new_text, size_t new_size,
		 const struct hunks *hunks, struct suture_error *err)
{
	struct numbering numbering = {.before = before};
	size_t old_count, new_count, line = 0, from = 0;
	cleanup_memory struct slice *old = split(old_text, old_size, &old_count);
	cleanup_memory struct slice *new = split(new_text, new_size, &new_count);
	int rc = numbering_init(old_text, old_size, &numbering);

	/* One more: what stands behind the last line end. */
	numbers->count = new_count + 1;
	numbers->wanted = calloc(numbers->count, sizeof(*numbers->wanted));
	if (!old || !new || !numbers->wanted)
		rc = -1;
	for (size_t i = 0; i <= hunks->count && !rc; i++) {
		const struct hunk *hunk = i < hunks->count ? &hunks->list[i] : NULL;
		size_t until = hunk ? hunk->new_start : numbers->count;

		for (; line < until; line++)
			numbers->wanted[line] = number_of(&numbering, from++);
		if (!hunk)
			break;
		rc = number_hunk(numbers, base, &numbering, hunk, old, new);
		line = hunk->new_start + hunk->new_count;
		from = hunk->old_start + hunk->old_count;
	}
	free(numbering.list);
	return rc ? error_no_memory(err) : 0;
}
