/* SPDX-License-Identifier: MIT */
/* Telling where a precompiled header was, or may have been, at work; see precompiled.h. */
#include "builder/precompiled.h"

#include "builder/lexer.h"
#include "builder/path.h"

#include "base/file.h"

#include <stdio.h>
#include <string.h>

enum { SOURCE_SIZE_MAX = 1 << 28 };

bool precompiled_is(const char *path)
{
	const char *dot = strrchr(path_base(path), '.');

	return dot && (strcmp(dot, ".gch") == 0 || strcmp(dot, ".pch") == 0);
}

static bool has_twin(const char *header)
{
	static const char *const extensions[] = {".gch", ".pch"};

	for (size_t i = 0; i < 2; i++) {
		cleanup_memory char *twin = NULL;

		if (asprintf(&twin, "%s%s", header, extensions[i]) < 0) {
			twin = NULL;
			return true;
		}
		if (path_exists(twin))
			return true;
	}
	return false;
}

static bool is_listed(const struct strings *files, const char *name, size_t length)
{
	for (size_t i = 0; i < files->count; i++) {
		const char *base = path_base(files->items[i]);

		if (strlen(base) == length && strncmp(base, name, length) == 0)
			return true;
	}
	return false;
}

/* A precompiled header can only stand for what a text includes before anything else. */
static bool lacks_first(const char *text, size_t size, const struct strings *files)
{
	struct lexer lexer;
	struct lexer_token token;
	const char *name, *base, *end;

	lexer_init(&lexer, text, size);
	token = lexer_next(&lexer);
	while (token.kind == LEXER_DIRECTIVE) {
		token = lexer_next(&lexer);
		if (lexer_is(&lexer, token, "include"))
			break;
		if (!lexer_is(&lexer, token, "define") && !lexer_is(&lexer, token, "undef") &&
		    !lexer_is(&lexer, token, "pragma"))
			return false; /* under a condition */
		while (token.kind != LEXER_NEWLINE && token.kind != LEXER_END)
			token = lexer_next(&lexer);
		token = lexer_next(&lexer);
	}
	if (token.kind != LEXER_WORD || !lexer_is(&lexer, token, "include") || !lexer.in_directive)
		return false;
	token = lexer_next(&lexer);
	name = text + token.start + 1;
	if (text[token.start] != '"' && text[token.start] != '<')
		return false; /* a macro says it */
	end = memchr(name, text[token.start] == '<' ? '>' : '"', size - token.start - 1);
	if (!end)
		return false;
	base = memrchr(name, '/', (size_t)(end - name));
	base = base ? base + 1 : name;
	return !is_listed(files, base, (size_t)(end - base));
}

bool precompiled_hides(const struct compdb_entry *entry, const struct command *command,
		       const struct strings *files)
{
	cleanup_memory uint8_t *text = NULL;
	struct strings included = {0};
	bool named = strings_contain(&command->argv, "-include-pch");
	bool hides;
	size_t size;

	command_included(command, &included);
	hides = included.failed || (named && !included.count);
	for (size_t i = 0; i < included.count; i++)
		hides |= (named || has_twin(included.items[i])) &&
			 !is_listed(files, path_base(included.items[i]),
				    strlen(path_base(included.items[i])));
	strings_fini(&included);
	return hides || (!file_read(entry->file, SOURCE_SIZE_MAX, &text, &size, NULL) && size &&
			 lacks_first((const char *)text, size, files));
}
