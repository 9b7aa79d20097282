/* SPDX-License-Identifier: MIT */
/*
 * Bounds-checked reader: the only way in which untrusted bytes (patch files, object files, unwind
 * tables) are looked at. Failure is sticky: after the first read out of bounds every read returns
 * zeroes, and reader_check() says where it happened, so that parsing code stays straight.
 * Little-endian only: every architecture that we serve is.
 */
#ifndef BASE_READER_H
#define BASE_READER_H

#include <suture/error.h>

#include <stddef.h>
#include <stdint.h>

struct reader {
	const uint8_t *data; /* borrowed */
	size_t size;
	size_t pos;
	const char *name; /* for messages, borrowed */
	bool failed;
	size_t failed_at;
};

void reader_init(struct reader *reader, const void *data, size_t size, const char *name);

/* A reader over [offset, offset + size) of parent; a failed one if that is not inside. */
struct reader reader_sub(const struct reader *parent, size_t offset, size_t size);

uint8_t reader_u8(struct reader *reader);
uint16_t reader_u16(struct reader *reader);
uint32_t reader_u32(struct reader *reader);
uint64_t reader_u64(struct reader *reader);
uint64_t reader_uleb(struct reader *reader);
int64_t reader_sleb(struct reader *reader);

/* Borrowed pointer to size bytes, or NULL (and failed). */
const void *reader_bytes(struct reader *reader, size_t size);

/* Borrowed NUL-terminated string that ends inside, or NULL (and failed). */
const char *reader_string(struct reader *reader);

void reader_seek(struct reader *reader, size_t pos);
void reader_skip(struct reader *reader, size_t size);
size_t reader_left(const struct reader *reader);

/* 0, or code with "NAME: truncated at offset N". */
int reader_check(const struct reader *reader, enum suture_code code, struct suture_error *err);

#endif
