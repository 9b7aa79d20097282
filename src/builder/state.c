/* SPDX-License-Identifier: MIT */
/* A list of files; see state.h. */
#include "builder/state.h"

#include "base/error.h"

#include <stdlib.h>
#include <string.h>

static void file_fini(struct state_file *file)
{
	free(file->path);
	free(file->text);
	numbers_fini(&file->numbers);
	*file = (struct state_file){0};
}

void state_fini(struct state *state)
{
	for (size_t i = 0; i < state->count; i++)
		file_fini(&state->list[i]);
	free(state->list);
	*state = (struct state){0};
}

const struct state_file *state_find(const struct state *state, const char *path)
{
	for (size_t i = 0; state && i < state->count; i++)
		if (strcmp(state->list[i].path, path) == 0)
			return &state->list[i];
	return NULL;
}

static bool copy(struct state_file *file, const char *path, const char *text, size_t size,
		 const struct numbers *numbers)
{
	*file = (struct state_file){.path = strdup(path), .size = size};
	if (text) {
		file->text = malloc(size + 1);
		if (!file->text)
			return false;
		memcpy(file->text, text, size);
		file->text[size] = '\0';
	}
	if (numbers && numbers->count) {
		file->numbers.wanted = malloc(numbers->count * sizeof(*numbers->wanted));
		if (!file->numbers.wanted)
			return false;
		memcpy(file->numbers.wanted, numbers->wanted,
		       numbers->count * sizeof(*numbers->wanted));
		file->numbers.count = numbers->count;
	}
	return file->path != NULL;
}

int state_set(struct state *state, const char *path, const char *text, size_t size,
	      const struct numbers *numbers, struct suture_error *err)
{
	struct state_file *known = (struct state_file *)state_find(state, path);
	struct state_file file;

	if (!copy(&file, path, text, size, numbers)) {
		file_fini(&file);
		return error_no_memory(err);
	}
	if (!known) {
		struct state_file *list =
			reallocarray(state->list, state->count + 1, sizeof(*list));

		if (!list) {
			file_fini(&file);
			return error_no_memory(err);
		}
		state->list = list;
		known = &state->list[state->count++];
		*known = (struct state_file){0};
	}
	file_fini(known);
	*known = file;
	return 0;
}

int state_copy(const struct state *from, struct state *to, struct suture_error *err)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < from->count; i++) {
		const struct state_file *file = &from->list[i];

		rc = state_set(to, file->path, file->text, file->size, &file->numbers, err);
	}
	return rc;
}
