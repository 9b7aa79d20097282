/* SPDX-License-Identifier: MIT */
/* Near memory: see near.h. Agent's thread, plan phase. */
#include "trampoline/near.h"

#include "base/error.h"
#include "base/maps.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum {
	PAGE = 4096,
	CHUNK = 64 << 10, /* bytes mapped at once: some 600 islands */
	ALIGNMENT = 16,
	HEAP_GROWTH = 256 << 20, /* upward, into what is above it */
	STACK_GROWTH = 64 << 20, /* downward */
	TRIES = 4,		 /* other threads may map what looked free */
};

/* ---- sorted sets of spans ------------------------------------------------------------------ */

/* Index of the first span that ends behind address. */
static size_t spans_seek(const struct near_spans *spans, uintptr_t address)
{
	size_t low = 0, high = spans->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (spans->spans[middle].end <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool spans_overlap(const struct near_spans *spans, uintptr_t start, uintptr_t end)
{
	size_t at = spans_seek(spans, start);

	return at < spans->count && spans->spans[at].start < end;
}

static bool spans_add(struct near_spans *spans, uintptr_t start, uintptr_t end)
{
	size_t at = spans_seek(spans, start);

	if (spans->count == spans->capacity) {
		size_t wanted = spans->capacity ? spans->capacity * 2 : 16;
		void *grown = realloc(spans->spans, wanted * sizeof(*spans->spans));

		if (!grown)
			return false;
		spans->spans = grown;
		spans->capacity = wanted;
	}
	memmove(spans->spans + at + 1, spans->spans + at,
		(spans->count - at) * sizeof(*spans->spans));
	spans->spans[at] = (struct near_span){.start = start, .end = end};
	spans->count++;
	return true;
}

static void spans_remove(struct near_spans *spans, uintptr_t start)
{
	size_t at = spans_seek(spans, start);

	if (at == spans->count || spans->spans[at].start != start)
		return;
	spans->count--;
	memmove(spans->spans + at, spans->spans + at + 1,
		(spans->count - at) * sizeof(*spans->spans));
}

/* ---- pages --------------------------------------------------------------------------------- */

void near_memory_init(struct near_memory *near, const struct code_writer *writer)
{
	*near = (struct near_memory){.writer = writer};
}

void near_memory_fini(struct near_memory *near)
{
	for (size_t i = 0; i < near->chunks.count; i++)
		munmap((void *)near->chunks.spans[i].start,
		       near->chunks.spans[i].end - near->chunks.spans[i].start);
	free(near->chunks.spans);
	free(near->used.spans);
	free(near->borrowed.spans);
	free(near->waits);
	*near = (struct near_memory){0};
}

/* Maps pages that nobody has, readable and executable. False when they are taken. */
static bool map_chunk(struct near_memory *near, uintptr_t start, size_t size)
{
	void *got = mmap((void *)start, size, PROT_READ | PROT_EXEC,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

	if (got == MAP_FAILED)
		return false;
	/* A kernel before 4.17 takes the address as a hint only. */
	if ((uintptr_t)got != start || !spans_add(&near->chunks, start, start + size)) {
		munmap(got, size);
		return false;
	}
	return true;
}

static uintptr_t clamp(uintptr_t value, uintptr_t low, uintptr_t high)
{
	return value < low ? low : value > high ? high : value;
}

static uintptr_t distance(uintptr_t a, uintptr_t b)
{
	return a > b ? a - b : b - a;
}

static uintptr_t round_up(uintptr_t value)
{
	return (value + ALIGNMENT - 1) & ~(uintptr_t)(ALIGNMENT - 1);
}

/* The free place in [start, end) nearest to wanted, between the islands that are there. */
static bool find_between(const struct near_memory *near, uintptr_t start, uintptr_t end,
			 uintptr_t wanted, size_t size, uintptr_t *address)
{
	size_t at = spans_seek(&near->used, start);
	bool found = false;

	for (uintptr_t from = start; from < end; at++) {
		bool last = at == near->used.count || near->used.spans[at].start >= end;
		uintptr_t to = last ? end : near->used.spans[at].start;
		uintptr_t low = round_up(from);

		if (low < to && to - low >= size) {
			uintptr_t place = clamp(wanted, low, to - size);

			place &= ~(uintptr_t)(ALIGNMENT - 1);
			if (!found || distance(place, wanted) < distance(*address, wanted)) {
				*address = place;
				found = true;
			}
		}
		if (last)
			break;
		from = near->used.spans[at].end;
	}
	return found;
}

static bool find_free(const struct near_memory *near, uintptr_t low, uintptr_t high,
		      uintptr_t wanted, size_t size, uintptr_t *address)
{
	bool found = false;
	uintptr_t place;

	for (size_t i = 0; i < near->chunks.count; i++) {
		const struct near_span *chunk = &near->chunks.spans[i];
		uintptr_t start = chunk->start > low ? chunk->start : low;
		uintptr_t end = chunk->end < high ? chunk->end : high;

		if (start >= end || !find_between(near, start, end, wanted, size, &place))
			continue;
		if (!found || distance(place, wanted) < distance(*address, wanted))
			*address = place;
		found = true;
	}
	return found;
}

static bool map_near(struct near_memory *near, uintptr_t low, uintptr_t high, uintptr_t wanted,
		     size_t size)
{
	size_t sizes[] = {CHUNK, (size + PAGE - 1) & ~(size_t)(PAGE - 1)};

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		for (int tries = 0; tries < TRIES && sizes[i] >= size; tries++) {
			struct maps maps;
			uintptr_t start;
			bool found;

			if (maps_read(0, &maps, NULL))
				return false;
			found = maps_find_hole(&maps, low, high, wanted, sizes[i], &start);
			maps_fini(&maps);
			if (!found)
				break;
			if (map_chunk(near, start, sizes[i]))
				return true;
		}
	}
	return false;
}

int near_alloc(struct near_memory *near, uintptr_t low, uintptr_t high, uintptr_t wanted,
	       size_t size, uintptr_t *address, struct suture_error *err)
{
	uintptr_t place;

	if (!find_free(near, low, high, wanted, size, &place) &&
	    (!map_near(near, low, high, wanted, size) ||
	     !find_free(near, low, high, wanted, size, &place)))
		return error_set(err, SUTURE_E_NO_ROOM,
				 "no free memory for %zu bytes between %#" PRIxPTR
				 " and %#" PRIxPTR,
				 size, low, high);
	if (!spans_add(&near->used, place, place + size))
		return error_no_memory(err);
	*address = place;
	return 0;
}

void near_look(struct near_memory *near)
{
	struct maps maps;

	near->heap = near->stack = 0;
	if (maps_read(0, &maps, NULL))
		return;
	for (size_t i = 0; i < maps.count; i++) {
		if (strcmp(maps.regions[i].path, "[heap]") == 0)
			near->heap = maps.regions[i].end;
		if (strcmp(maps.regions[i].path, "[stack]") == 0)
			near->stack = maps.regions[i].start;
	}
	maps_fini(&maps);
}

/* Pages that heap or stack will want, or that lie below what may be mapped, are left alone. */
static bool may_map(const struct near_memory *near, uintptr_t start, uintptr_t end)
{
	if (start < 16 * (uintptr_t)PAGE || end > (uintptr_t)1 << 47)
		return false;
	if (end > near->heap && start < near->heap + HEAP_GROWTH)
		return false;
	return end <= near->stack - STACK_GROWTH || start >= near->stack;
}

/* Maps those pages of [start, end) that are not ours yet. */
static bool cover(struct near_memory *near, uintptr_t start, uintptr_t end, size_t page_limit)
{
	uintptr_t page = start & ~(uintptr_t)(PAGE - 1);

	for (; page < end; page += PAGE) {
		if (spans_overlap(&near->chunks, page, page + PAGE))
			continue;
		if (page_limit && near->forced_pages >= page_limit)
			return false;
		if (!may_map(near, page, page + PAGE) || !map_chunk(near, page, PAGE))
			return false;
		near->forced_pages++;
	}
	return true;
}

bool near_alloc_at(struct near_memory *near, uintptr_t address, size_t size, size_t page_limit)
{
	uintptr_t end = address + size;

	if (end < address || spans_overlap(&near->used, address, end) ||
	    !cover(near, address, end, page_limit))
		return false;
	return spans_add(&near->used, address, end);
}

void near_free(struct near_memory *near, uintptr_t address, size_t size)
{
	(void)size;
	spans_remove(&near->used, address);
}

int near_write(struct near_memory *near, uintptr_t address, const uint8_t *code, size_t size,
	       struct suture_error *err)
{
	uint8_t now[256];

	for (size_t done = 0; done < size;) {
		size_t part = size - done < sizeof(now) ? size - done : sizeof(now);
		int rc = code_writer_read_stopped(near->writer, CODE_WRITER_READ, address + done,
						  now, part);

		if (!rc)
			rc = code_writer_replace_stopped(near->writer, CODE_WRITER_WRITE,
							 address + done, now, code + done, part);
		if (rc)
			return error_errno(err, SUTURE_E_IO, -rc, "writing an island at %#" PRIxPTR,
					   address);
		done += part;
	}
	return 0;
}

/* ---- borrowed bytes ------------------------------------------------------------------------ */

bool near_borrow(struct near_memory *near, uintptr_t start, size_t size)
{
	return !near_is_borrowed(near, start, size) &&
	       spans_add(&near->borrowed, start, start + size);
}

bool near_is_borrowed(const struct near_memory *near, uintptr_t start, size_t size)
{
	return spans_overlap(&near->borrowed, start, start + size);
}

void near_return(struct near_memory *near, uintptr_t start, size_t size)
{
	(void)size;
	spans_remove(&near->borrowed, start);
}

void near_usage(const struct near_memory *near, size_t *mapped, size_t *in_use)
{
	*mapped = *in_use = 0;
	for (size_t i = 0; i < near->chunks.count; i++)
		*mapped += near->chunks.spans[i].end - near->chunks.spans[i].start;
	for (size_t i = 0; i < near->used.count; i++)
		*in_use += near->used.spans[i].end - near->used.spans[i].start;
}
