/* SPDX-License-Identifier: MIT */
/*
 * Just enough of C and C++ to know where one may write between two lines, and whether two texts are
 * the same program: comments, strings and raw strings, continued lines, directives, brackets. No
 * macro is expanded.
 */
#ifndef BUILDER_LEXER_H
#define BUILDER_LEXER_H

#include <stdbool.h>
#include <stddef.h>

enum lexer_kind {
	LEXER_END,
	LEXER_WORD,	  /* identifier, keyword or number */
	LEXER_STRING,	  /* string, raw string or character, with its prefix and quotes */
	LEXER_PUNCTUATOR, /* one byte */
	LEXER_DIRECTIVE,  /* the '#' that starts one; its words follow */
	LEXER_NEWLINE,	  /* the end of a directive's line */
};

struct lexer_token {
	enum lexer_kind kind;
	size_t start; /* bytes [start, end) of the text */
	size_t end;
	bool spaced; /* blanks or a comment stand before it */
};

struct lexer {
	const char *text; /* borrowed */
	size_t size;
	size_t pos;
	bool line_start; /* only blanks and comments since the last line end */
	bool in_directive;
};

void lexer_init(struct lexer *lexer, const char *text, size_t size);

/* LEXER_END at the end, again and again. Unterminated comments and strings end with the text. */
struct lexer_token lexer_next(struct lexer *lexer);

/* True when the token is that text; line splices (backslash, newline) inside it are ignored. */
bool lexer_is(const struct lexer *lexer, struct lexer_token token, const char *text);

/* True when both texts have the same tokens: comments, blanks and line breaks don't matter. */
bool lexer_same(const char *left, size_t left_size, const char *right, size_t right_size);

#endif
