/* SPDX-License-Identifier: MIT */
/* A growable run of bytes. A failed allocation is sticky: check bytes_ok() once at the end. */
#ifndef BASE_BYTES_H
#define BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bytes {
	uint8_t *data; /* owned */
	size_t size;
	size_t capacity;
	bool failed;
};

void bytes_fini(struct bytes *bytes);
void bytes_add(struct bytes *bytes, const void *data, size_t size);
void bytes_add_zeroes(struct bytes *bytes, size_t size);
void bytes_add_format(struct bytes *bytes, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* Appends the string with its NUL and returns the offset at which it starts. */
size_t bytes_add_string(struct bytes *bytes, const char *text);

static inline bool bytes_ok(const struct bytes *bytes)
{
	return !bytes->failed;
}

#endif
