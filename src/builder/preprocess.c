/* SPDX-License-Identifier: MIT */
/*
 * Each unit's text after preprocessing, as it is and with the diff: tells which units don't change,
 * and is what cached objects are known by.
 */
#include "builder/lexer.h"
#include "builder/objcache.h"
#include "builder/runs.h"

#include "base/error.h"
#include "base/file.h"

#include <ctype.h>
#include <string.h>

enum { TEXT_SIZE_MAX = 1 << 30 };

struct text {
	char *data; /* owned, NULL when it can't be read */
	size_t size;
};

static void read_text(const struct run *run, struct text *text)
{
	uint8_t *data;

	*text = (struct text){0};
	if (!file_read(run->out, TEXT_SIZE_MAX, &data, &text->size, NULL))
		text->data = (char *)data;
}

/* Takes out the `# LINE "FILE"` markers, in place: where a token stood doesn't change the program.
 */
static void strip_markers(struct text *text)
{
	size_t used = 0;

	for (size_t at = 0; at < text->size;) {
		const char *line = text->data + at;
		const char *newline = memchr(line, '\n', text->size - at);
		size_t length = newline ? (size_t)(newline + 1 - line) : text->size - at;

		at += length;
		if (length > 2 && line[0] == '#' && line[1] == ' ' &&
		    isdigit((unsigned char)line[2]))
			continue;
		memmove(text->data + used, line, length);
		used += length;
	}
	text->size = used;
}

/* Nothing is patched: only what the cached objects are known by is wanted. */
static void note_text(const struct compile_options *options, const struct run *original)
{
	struct text text;

	read_text(original, &text);
	if (text.data)
		objcache_digest(text.data, text.size, options->before ? options->before->top : NULL,
				original->unit->original_text);
	free(text.data);
}

static void compare_texts(const struct compile_options *options, const struct run *original,
			  const struct run *patched)
{
	struct compile_unit *unit = original->unit;
	struct text old, new;

	read_text(original, &old);
	read_text(patched, &new);
	if (old.data && new.data) {
		if (options->cache_dir) {
			objcache_digest(old.data, old.size,
					options->before ? options->before->top : NULL,
					unit->original_text);
			objcache_digest(new.data, new.size, options->patched->top,
					unit->patched_text);
		}
		strip_markers(&old);
		strip_markers(&new);
		unit->skipped = !options->skip_nothing && !unit->escape &&
				lexer_same(old.data, old.size, new.data, new.size);
	}
	free(old.data);
	free(new.data);
}

int compile_preprocess(const struct compile_options *options, struct compile_unit *units,
		       size_t count, struct suture_error *err)
{
	struct compile_options quiet = *options;
	size_t step = options->patched ? 2 : 1;
	struct runs runs;
	int rc;

	if (!options->patched && !options->cache_dir)
		return 0;

	quiet.progress = NULL;
	rc = runs_init(&runs, &quiet, 2 * count, err);
	for (size_t i = 0; i < count && !rc; i++) {
		/* An edited source nearly always differs: compiling it says so as soon. */
		if ((units[i].edited && !options->cache_dir) || units[i].added ||
		    units[i].removed || units[i].layer_count)
			continue;
		rc = runs_add(&runs, &units[i], i, VARIANT_O, COMMAND_PREPROCESS, err);
		if (!rc && options->patched)
			rc = runs_add(&runs, &units[i], i, VARIANT_P, COMMAND_PREPROCESS, err);
	}
	if (!rc)
		rc = runs_start(&runs, err);
	for (size_t i = 0; i + step <= runs.count && !rc; i += step) {
		/* One that fails here fails again when compiled, and is reported then. */
		if (!process_succeeded(&runs.jobs[i]) ||
		    !process_succeeded(&runs.jobs[i + step - 1]))
			continue;
		if (!options->patched) {
			note_text(options, &runs.list[i]);
			continue;
		}
		rc = runs_find_escape(&runs.list[i + 1], options, err);
		if (!rc)
			compare_texts(options, &runs.list[i], &runs.list[i + 1]);
	}
	for (size_t i = 0; i < runs.count; i++)
		unlink(runs.list[i].out);
	runs_fini(&runs);
	return rc;
}
