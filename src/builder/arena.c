/* SPDX-License-Identifier: MIT */
/* Chunked allocation, freed all at once. */
#include "arena.h"

#include "base/error.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The fuzzers give every object a chunk of its own, so that ASan sees where one is overrun. */
#ifndef ARENA_CHUNK_SIZE
#define ARENA_CHUNK_SIZE (256 * 1024)
#endif
enum { CHUNK_SIZE = ARENA_CHUNK_SIZE };

struct arena_chunk {
	struct arena_chunk *next;
	size_t size;
	size_t used;
	_Alignas(max_align_t) unsigned char data[];
};

void arena_fini(struct arena *arena)
{
	struct arena_chunk *chunk = arena->chunks;

	while (chunk) {
		struct arena_chunk *next = chunk->next;

		free(chunk);
		chunk = next;
	}
	*arena = (struct arena){0};
}

void *arena_array(struct arena *arena, size_t count, size_t size)
{
	struct arena_chunk *chunk = arena->chunks;
	size_t bytes;
	void *data;

	if (__builtin_mul_overflow(count, size, &bytes) || bytes > SIZE_MAX / 2) {
		arena->failed = true;
		return NULL;
	}
	bytes = (bytes + _Alignof(max_align_t)) & ~(_Alignof(max_align_t) - 1);
	if (!chunk || chunk->size - chunk->used < bytes) {
		size_t room = bytes > CHUNK_SIZE ? bytes : CHUNK_SIZE;

		chunk = calloc(1, sizeof(*chunk) + room);
		if (!chunk) {
			arena->failed = true;
			return NULL;
		}
		chunk->size = room;
		chunk->next = arena->chunks;
		arena->chunks = chunk;
	}
	data = chunk->data + chunk->used;
	chunk->used += bytes;
	return data;
}

char *arena_slice(struct arena *arena, const char *text, size_t length)
{
	char *copy = arena_array(arena, length + 1, 1);

	if (copy)
		memcpy(copy, text, length);
	return copy;
}

char *arena_text(struct arena *arena, const char *text)
{
	return text ? arena_slice(arena, text, strlen(text)) : NULL;
}

char *arena_format(struct arena *arena, const char *fmt, ...)
{
	char *text = NULL;
	char *copy;
	va_list args;
	int length;

	va_start(args, fmt);
	length = vasprintf(&text, fmt, args);
	va_end(args);
	if (length < 0) {
		arena->failed = true;
		return NULL;
	}
	copy = arena_slice(arena, text, (size_t)length);
	free(text);
	return copy;
}

int arena_check(const struct arena *arena, struct suture_error *err)
{
	return arena->failed ? error_no_memory(err) : 0;
}

void *arena_grow(struct arena *arena, void *array, size_t count, size_t *capacity, size_t size)
{
	size_t room = *capacity ? *capacity * 2 : 16;
	void *grown;

	if (count < *capacity)
		return array;
	grown = arena_array(arena, room, size);
	if (!grown)
		return NULL;
	if (count)
		memcpy(grown, array, count * size);
	*capacity = room;
	return grown;
}
