/* SPDX-License-Identifier: MIT */
/* What minisign's files are made of: lines, some of them comments, some in base64. */
#ifndef TRUST_TEXT_H
#define TRUST_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct text_line {
	const char *at; /* no NUL behind it */
	size_t length;	/* without "\n" or "\r\n" */
};

/* Takes the next line off [*text, *text + *size); false: none is left. */
bool text_next_line(const char **text, size_t *size, struct text_line *line);

/* Does the line begin with that? */
bool text_begins(const struct text_line *line, const char *prefix);

/* Exactly size bytes in base64, and nothing else? */
bool text_base64(const struct text_line *line, uint8_t *bytes, size_t size);

#endif
