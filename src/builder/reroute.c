/* SPDX-License-Identifier: MIT */
/* #include "/path": the view's top in front; see reroute.h. */
#include "builder/reroute.h"

#include "builder/lexer.h"
#include "builder/path.h"

#include "base/bytes.h"
#include "base/error.h"
#include "base/file.h"

#include <string.h>

enum { SOURCE_SIZE_MAX = 1 << 28 };

/* The path in `"/path"` or `</path>`, when the view has it. Caller frees. */
static char *covered(const struct overlay *view, const char *text, size_t start, size_t end)
{
	cleanup_memory char *path = NULL;
	cleanup_memory char *plain = NULL;

	if (end - start < 3 || text[start + 1] != '/' ||
	    text[end - 1] != (text[start] == '<' ? '>' : '"'))
		return NULL;
	path = strndup(text + start + 1, end - start - 2);
	plain = path ? path_absolute("/", path) : NULL;
	return plain && overlay_covers(view, plain) ? overlay_path(view, path) : NULL;
}

/* Returns whether any is there. */
static bool reroute(const struct overlay *view, const char *text, size_t size, struct bytes *out)
{
	struct lexer lexer;
	struct lexer_token token, word = {0}, sign = {0};
	size_t copied = 0;

	lexer_init(&lexer, text, size);
	for (; (token = lexer_next(&lexer)).kind != LEXER_END; sign = word, word = token) {
		cleanup_memory char *path = NULL;
		size_t end;

		if (sign.kind != LEXER_DIRECTIVE || word.kind != LEXER_WORD ||
		    !lexer_is(&lexer, word, "include"))
			continue;
		end = token.end;
		if (lexer_is(&lexer, token, "<"))
			while (end < size && text[end] != '\n' && text[end++] != '>')
				;
		path = covered(view, text, token.start, end);
		if (!path)
			continue;
		bytes_add(out, text + copied, token.start - copied);
		bytes_add_format(out, "%c%s%c", text[token.start], path, text[end - 1]);
		copied = lexer.pos = end;
	}
	bytes_add(out, text + copied, size - copied);
	return copied > 0;
}

int reroute_includes(const struct overlay *view, const char *path, struct suture_error *err)
{
	cleanup_memory char *shown = overlay_path(view, path);
	cleanup_memory uint8_t *text = NULL;
	struct bytes out = {0};
	size_t size;
	int rc = 0;

	if (!shown)
		return error_no_memory(err);
	if (!path_exists(shown))
		return 0;
	rc = file_read(shown, SOURCE_SIZE_MAX, &text, &size, err);
	if (!rc && reroute(view, (const char *)text, size, &out))
		rc = bytes_ok(&out) ? overlay_replace(view, path, out.data, out.size, err)
				    : error_no_memory(err);
	bytes_fini(&out);
	return rc;
}
