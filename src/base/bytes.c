/* SPDX-License-Identifier: MIT */
/* A growable run of bytes; see bytes.h. */
#include "base/bytes.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void bytes_fini(struct bytes *bytes)
{
	free(bytes->data);
	*bytes = (struct bytes){0};
}

/* Makes room for size bytes more and returns where they go, or NULL. */
static uint8_t *grow(struct bytes *bytes, size_t size)
{
	if (bytes->failed || size > SIZE_MAX / 4 || bytes->size > SIZE_MAX / 4) {
		bytes->failed = true;
		return NULL;
	}
	if (bytes->size + size > bytes->capacity) {
		size_t wanted = (bytes->size + size) * 2;
		void *grown = realloc(bytes->data, wanted);

		if (!grown) {
			bytes->failed = true;
			return NULL;
		}
		bytes->data = grown;
		bytes->capacity = wanted;
	}
	bytes->size += size;
	return bytes->data + bytes->size - size;
}

void bytes_add(struct bytes *bytes, const void *data, size_t size)
{
	uint8_t *to = size ? grow(bytes, size) : NULL;

	if (to)
		memcpy(to, data, size);
}

void bytes_add_zeroes(struct bytes *bytes, size_t size)
{
	uint8_t *to = size ? grow(bytes, size) : NULL;

	if (to)
		memset(to, 0, size);
}

void bytes_add_format(struct bytes *bytes, const char *fmt, ...)
{
	char small[512], *text = small;
	va_list args, again;
	int length;

	va_start(args, fmt);
	va_copy(again, args);
	length = vsnprintf(small, sizeof(small), fmt, args);
	if (length >= (int)sizeof(small)) {
		text = malloc((size_t)length + 1);
		if (text)
			vsnprintf(text, (size_t)length + 1, fmt, again);
	}
	if (length < 0 || !text)
		bytes->failed = true;
	else
		bytes_add(bytes, text, (size_t)length);
	va_end(again);
	va_end(args);
	if (text != small)
		free(text);
}

size_t bytes_add_string(struct bytes *bytes, const char *text)
{
	size_t at = bytes->size;

	bytes_add(bytes, text, strlen(text) + 1);
	return at;
}
