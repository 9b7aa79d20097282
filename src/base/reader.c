/* SPDX-License-Identifier: MIT */
/* Bounds-checked reader; see reader.h for the contract. */
#include "base/reader.h"

#include "base/error.h"

#include <string.h>

void reader_init(struct reader *reader, const void *data, size_t size, const char *name)
{
	*reader = (struct reader){.data = data, .size = size, .name = name};
}

static void fail(struct reader *reader, size_t at)
{
	if (!reader->failed) {
		reader->failed = true;
		reader->failed_at = at;
	}
}

struct reader reader_sub(const struct reader *parent, size_t offset, size_t size)
{
	struct reader sub = {.name = parent->name};

	if (parent->failed || offset > parent->size || size > parent->size - offset) {
		fail(&sub, offset);
		return sub;
	}
	sub.data = parent->data + offset;
	sub.size = size;
	return sub;
}

const void *reader_bytes(struct reader *reader, size_t size)
{
	const uint8_t *at;

	if (reader->failed || size > reader->size - reader->pos) {
		fail(reader, reader->pos);
		return NULL;
	}
	at = reader->data + reader->pos;
	reader->pos += size;
	return at;
}

#define READ_FIXED(name, type)                                       \
	type reader_##name(struct reader *reader)                    \
	{                                                            \
		const void *at = reader_bytes(reader, sizeof(type)); \
		type value = 0;                                      \
                                                                     \
		if (at)                                              \
			memcpy(&value, at, sizeof(value));           \
		return value;                                        \
	}

READ_FIXED(u8, uint8_t)
READ_FIXED(u16, uint16_t)
READ_FIXED(u32, uint32_t)
READ_FIXED(u64, uint64_t)

uint64_t reader_uleb(struct reader *reader)
{
	uint64_t value = 0;
	unsigned shift = 0;
	uint8_t byte;

	do {
		byte = reader_u8(reader);
		if (shift < 64)
			value |= (uint64_t)(byte & 0x7f) << shift;
		shift += 7;
	} while ((byte & 0x80) && !reader->failed);
	return value;
}

int64_t reader_sleb(struct reader *reader)
{
	uint64_t value = 0;
	unsigned shift = 0;
	uint8_t byte;

	do {
		byte = reader_u8(reader);
		if (shift < 64)
			value |= (uint64_t)(byte & 0x7f) << shift;
		shift += 7;
	} while ((byte & 0x80) && !reader->failed);
	if (shift < 64 && (byte & 0x40))
		value |= ~(uint64_t)0 << shift;
	return (int64_t)value;
}

const char *reader_string(struct reader *reader)
{
	const uint8_t *start, *end;

	if (reader->failed || reader->pos >= reader->size) {
		fail(reader, reader->pos);
		return NULL;
	}
	start = reader->data + reader->pos;
	end = memchr(start, 0, reader->size - reader->pos);
	if (!end) {
		fail(reader, reader->pos);
		return NULL;
	}
	reader->pos += (size_t)(end - start) + 1;
	return (const char *)start;
}

void reader_seek(struct reader *reader, size_t pos)
{
	if (pos > reader->size)
		fail(reader, pos);
	else
		reader->pos = pos;
}

void reader_skip(struct reader *reader, size_t size)
{
	(void)reader_bytes(reader, size);
}

size_t reader_left(const struct reader *reader)
{
	return reader->failed ? 0 : reader->size - reader->pos;
}

int reader_check(const struct reader *reader, enum suture_code code, struct suture_error *err)
{
	if (!reader->failed)
		return 0;
	return error_set(err, code, "%s: truncated at offset %zu", reader->name, reader->failed_at);
}
