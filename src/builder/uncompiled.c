/* SPDX-License-Identifier: MIT */
/* Finding a function's name in a text; see uncompiled.h. */
#include "uncompiled.h"

#include "builder/lexer.h"

#include <stdio.h>
#include <string.h>

enum { NAME_MAX_LENGTH = 512 };

/* In C the symbol is the word, in C++ it has the word with its length in front. */
static bool is_name_of(const char *word, size_t length, const char *symbol)
{
	char part[NAME_MAX_LENGTH + 24];

	if (length >= NAME_MAX_LENGTH)
		return false;
	if (strncmp(symbol, "_Z", 2) != 0)
		return strlen(symbol) == length && strncmp(symbol, word, length) == 0;
	snprintf(part, sizeof(part), "%zu%.*s", length, (int)length, word);
	return strstr(symbol, part) != NULL;
}

/* Behind an opening bracket: it closes, and a body follows. */
static bool is_definition(struct lexer lexer)
{
	struct lexer_token token;
	unsigned open = 1;

	while (open && (token = lexer_next(&lexer)).kind != LEXER_END) {
		open += lexer_is(&lexer, token, "(");
		open -= lexer_is(&lexer, token, ")");
	}
	do
		token = lexer_next(&lexer);
	while (token.kind == LEXER_WORD); /* const, noexcept */
	return lexer_is(&lexer, token, "{");
}

static bool defines(const struct core_uncompiled *file, const char *symbol)
{
	struct lexer lexer;
	struct lexer_token token, before = {0};

	lexer_init(&lexer, file->text, file->size);
	for (; (token = lexer_next(&lexer)).kind != LEXER_END; before = token)
		if (before.kind == LEXER_WORD && lexer_is(&lexer, token, "(") &&
		    is_name_of(file->text + before.start, before.end - before.start, symbol) &&
		    is_definition(lexer))
			return true;
	return false;
}

const char *uncompiled_find(const struct core_options *options, const char *symbol)
{
	for (size_t i = 0; i < options->uncompiled_count; i++)
		if (defines(&options->uncompiled[i], symbol))
			return options->uncompiled[i].name;
	return NULL;
}
