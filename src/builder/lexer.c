/* SPDX-License-Identifier: MIT */
/* A small lexer of C and C++; see lexer.h. */
#include "builder/lexer.h"

#include <ctype.h>
#include <string.h>

void lexer_init(struct lexer *lexer, const char *text, size_t size)
{
	*lexer = (struct lexer){.text = text, .size = size, .line_start = true};
}

/* Length of a line splice at `at`: a backslash, blanks (as GCC allows), a line end; or 0. */
static size_t splice_at(const struct lexer *lexer, size_t at)
{
	size_t end = at + 1;

	if (at >= lexer->size || lexer->text[at] != '\\')
		return 0;
	while (end < lexer->size &&
	       (lexer->text[end] == ' ' || lexer->text[end] == '\t' || lexer->text[end] == '\r'))
		end++;
	return end < lexer->size && lexer->text[end] == '\n' ? end + 1 - at : 0;
}

static size_t skip_splices(const struct lexer *lexer, size_t at)
{
	size_t length;

	while ((length = splice_at(lexer, at)))
		at += length;
	return at;
}

/* The byte at or behind `at` with splices taken out; 0 at the end. *at is where it stands. */
static char peek(const struct lexer *lexer, size_t *at)
{
	*at = skip_splices(lexer, *at);
	return *at < lexer->size ? lexer->text[*at] : '\0';
}

static char peek_second(const struct lexer *lexer, size_t at)
{
	at++;
	return peek(lexer, &at);
}

static void skip_line_comment(struct lexer *lexer)
{
	size_t at = lexer->pos;

	while (at < lexer->size && lexer->text[at] != '\n') {
		size_t splice = splice_at(lexer, at);

		at += splice ? splice : 1;
	}
	lexer->pos = at;
}

static void skip_block_comment(struct lexer *lexer)
{
	size_t at = lexer->pos;

	peek(lexer, &at);
	at = skip_splices(lexer, at + 1) + 1; /* behind the star of the opening */
	while (at < lexer->size) {
		if (lexer->text[at] == '*' && peek_second(lexer, at) == '/') {
			lexer->pos = skip_splices(lexer, at + 1) + 1;
			return;
		}
		at++;
	}
	lexer->pos = lexer->size;
}

/* Skips blanks and comments; stops at a line end inside a directive. */
static bool skip_blanks(struct lexer *lexer)
{
	bool spaced = false;

	for (;;) {
		size_t at = lexer->pos;
		char byte = peek(lexer, &at);

		if (at >= lexer->size) {
			lexer->pos = lexer->size;
			return spaced;
		}
		if (byte == '\n' && lexer->in_directive)
			return spaced;
		if (isspace((unsigned char)byte)) {
			lexer->line_start |= byte == '\n';
			lexer->pos = at + 1;
		} else if (byte == '/' && peek_second(lexer, at) == '/') {
			lexer->pos = at;
			skip_line_comment(lexer);
		} else if (byte == '/' && peek_second(lexer, at) == '*') {
			lexer->pos = at;
			skip_block_comment(lexer);
		} else {
			lexer->pos = at;
			return spaced;
		}
		spaced = true;
	}
}

static bool is_word_byte(char byte)
{
	return isalnum((unsigned char)byte) || byte == '_' || byte == '$' || (byte & 0x80);
}

/* A quoted text; `pos` is at the quote. An unescaped line end ends it: it was no string after all.
 */
static void take_quoted(struct lexer *lexer)
{
	char quote = lexer->text[lexer->pos];
	size_t at = lexer->pos + 1;

	while (at < lexer->size && lexer->text[at] != quote && lexer->text[at] != '\n') {
		size_t splice = splice_at(lexer, at);

		if (splice)
			at += splice;
		else
			at += lexer->text[at] == '\\' && at + 1 < lexer->size &&
					      lexer->text[at + 1] != '\n'
				      ? 2
				      : 1;
	}
	lexer->pos = at < lexer->size && lexer->text[at] == quote ? at + 1 : at;
}

/* R"delimiter( … )delimiter"; `pos` is at the quote. Splices mean nothing inside. */
static void take_raw(struct lexer *lexer)
{
	const char *from = lexer->text + lexer->pos + 1;
	size_t left = lexer->size - lexer->pos - 1;
	const char *open = memchr(from, '(', left < 17 ? left : 17);
	size_t length = open ? (size_t)(open - from) : 0;

	if (!open) {
		take_quoted(lexer);
		return;
	}
	for (size_t at = lexer->pos + 1 + length; at + length + 1 < lexer->size; at++) {
		if (lexer->text[at] == ')' && memcmp(lexer->text + at + 1, from, length) == 0 &&
		    lexer->text[at + 1 + length] == '"') {
			lexer->pos = at + length + 2;
			return;
		}
	}
	lexer->pos = lexer->size;
}

/* An identifier or a number ("1'000", "1e+5"), or the prefix of a string and then the string. */
static enum lexer_kind take_word(struct lexer *lexer)
{
	char first = lexer->text[lexer->pos];
	bool number = isdigit((unsigned char)first) || first == '.';
	char before = 0, last = 0;
	size_t letters = 0;

	for (;;) {
		size_t at = lexer->pos;
		char byte = peek(lexer, &at);
		bool exponent =
			number && (byte == '+' || byte == '-') && strchr("eEpP", last) && last;
		bool digit_mark = number && byte == '\'' && is_word_byte(peek_second(lexer, at));

		if (at >= lexer->size ||
		    (!is_word_byte(byte) && !exponent && !digit_mark && !(number && byte == '.'))) {
			if (number || (byte != '"' && byte != '\''))
				return LEXER_WORD;
			/* R, LR, uR, UR, u8R and L, u, U, u8 are prefixes; anything else is a word.
			 */
			if (last == 'R' && letters <= 3 && byte == '"' &&
			    (letters == 1 || strchr("LuU8", before))) {
				lexer->pos = at;
				take_raw(lexer);
				return LEXER_STRING;
			}
			if ((letters == 1 && strchr("LuU", last)) ||
			    (letters == 2 && before == 'u' && last == '8')) {
				lexer->pos = at;
				take_quoted(lexer);
				return LEXER_STRING;
			}
			return LEXER_WORD;
		}
		before = last;
		last = byte;
		letters++;
		lexer->pos = at + 1;
	}
}

struct lexer_token lexer_next(struct lexer *lexer)
{
	bool behind_line = lexer->line_start;
	bool spaced = skip_blanks(lexer);
	struct lexer_token token = {.spaced = spaced || behind_line};
	bool line_start = lexer->line_start;
	char byte;

	token.start = token.end = lexer->pos;
	if (lexer->pos >= lexer->size) {
		/* A directive that the text ends with has an end too. */
		token.kind = lexer->in_directive ? LEXER_NEWLINE : LEXER_END;
		lexer->in_directive = false;
		return token;
	}
	byte = lexer->text[lexer->pos];
	lexer->line_start = false;
	if (byte == '\n') {
		token.kind = LEXER_NEWLINE;
		lexer->in_directive = false;
		lexer->line_start = true;
		lexer->pos++;
	} else if (byte == '#' && line_start) {
		token.kind = LEXER_DIRECTIVE;
		lexer->in_directive = true;
		lexer->pos++;
	} else if (byte == '"' || byte == '\'') {
		token.kind = LEXER_STRING;
		take_quoted(lexer);
	} else if (is_word_byte(byte) ||
		   (byte == '.' && isdigit((unsigned char)peek_second(lexer, lexer->pos)))) {
		token.kind = take_word(lexer);
	} else {
		token.kind = LEXER_PUNCTUATOR;
		lexer->pos++;
	}
	token.end = lexer->pos;
	return token;
}

bool lexer_is(const struct lexer *lexer, struct lexer_token token, const char *text)
{
	size_t at = token.start;

	for (; *text; text++, at++) {
		if (peek(lexer, &at) != *text || at >= token.end)
			return false;
	}
	return skip_splices(lexer, at) >= token.end;
}

/* Bytes of both tokens without splices are the same. Raw strings with splices differ: fine. */
static bool same_token(const struct lexer *left, struct lexer_token a, const struct lexer *right,
		       struct lexer_token b)
{
	size_t at = a.start, bt = b.start;

	if (a.kind != b.kind)
		return false;
	if (a.kind == LEXER_STRING)
		return a.end - a.start == b.end - b.start &&
		       memcmp(left->text + at, right->text + bt, a.end - a.start) == 0;
	if (a.kind == LEXER_NEWLINE)
		return true;
	while (at < a.end && bt < b.end) {
		if (peek(left, &at) != peek(right, &bt))
			return false;
		at = skip_splices(left, at + 1);
		bt = skip_splices(right, bt + 1);
	}
	return at >= a.end && bt >= b.end;
}

bool lexer_same(const char *left, size_t left_size, const char *right, size_t right_size)
{
	struct lexer a, b;
	struct lexer_token x, y;

	lexer_init(&a, left, left_size);
	lexer_init(&b, right, right_size);
	do {
		x = lexer_next(&a);
		y = lexer_next(&b);
		/*
		 * A blank more or less may matter: "+ +", "#define f (x)", what '#' makes a string
		 * of. How many there are, and of which sort, never does.
		 */
		if (!same_token(&a, x, &b, y))
			return false;
		if (x.spaced != y.spaced && x.kind != LEXER_NEWLINE && x.kind != LEXER_END)
			return false;
	} while (x.kind != LEXER_END);
	return true;
}
