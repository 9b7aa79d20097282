/* SPDX-License-Identifier: MIT */
/*
 * Line comparison: the greedy algorithm of Myers ("An O(ND) difference algorithm", 1986) behind a
 * trimmed common head and tail. Beyond DISTANCE_MAX edits the middle counts as one hunk, which
 * costs minimality, never correctness.
 */
#include "builder/hunks.h"

#include "base/error.h"
#include "base/file.h"

#include <stdint.h>
#include <string.h>

enum { DISTANCE_MAX = 2000 };

struct line {
	const char *text;
	size_t length; /* with its line end */
	uint64_t hash;
};

struct lines {
	struct line *list; /* owned */
	size_t count;
};

static int lines_split(const char *text, size_t size, struct lines *lines)
{
	size_t count = 1;

	for (size_t i = 0; i < size; i++)
		count += text[i] == '\n';
	lines->list = calloc(count, sizeof(*lines->list));
	if (!lines->list)
		return -1;
	for (const char *at = text, *end = text + size; at < end;) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		size_t length = newline ? (size_t)(newline + 1 - at) : (size_t)(end - at);
		uint64_t hash = 14695981039346656037u; /* FNV-1a */

		for (size_t i = 0; i < length; i++)
			hash = (hash ^ (uint8_t)at[i]) * 1099511628211u;
		lines->list[lines->count++] = (struct line){at, length, hash};
		at += length;
	}
	return 0;
}

static bool same_line(const struct line *left, const struct line *right)
{
	return left->hash == right->hash && left->length == right->length &&
	       memcmp(left->text, right->text, left->length) == 0;
}

void hunks_fini(struct hunks *hunks)
{
	free(hunks->list);
	*hunks = (struct hunks){0};
}

static int hunks_add(struct hunks *hunks, const struct hunk *hunk)
{
	struct hunk *list = reallocarray(hunks->list, hunks->count + 1, sizeof(*list));

	if (!list)
		return -1;
	hunks->list = list;
	list[hunks->count++] = *hunk;
	return 0;
}

/* Marks of the edit script: line deleted from the old, inserted in the new text. */
struct script {
	bool *deleted;
	bool *inserted;
};

/*
 * Myers' forward search over `a` and `b`. Each round's furthest points are kept in `rounds`, whose
 * row d has 2d + 1 entries; the way back through them marks the edits. Returns false where the
 * texts are more than DISTANCE_MAX edits apart or memory ran out.
 */
static bool find_script(const struct line *a, ptrdiff_t n, const struct line *b, ptrdiff_t m,
			struct script *script)
{
	int32_t **rounds = calloc(DISTANCE_MAX + 1, sizeof(*rounds));
	ptrdiff_t d, x = 0, y = 0;
	bool found = false;

	if (!rounds)
		return false;
	for (d = 0; d <= DISTANCE_MAX && !found; d++) {
		int32_t *row = malloc((size_t)(2 * d + 1) * sizeof(*row));
		const int32_t *last = d ? rounds[d - 1] : NULL;

		if (!row)
			break;
		rounds[d] = row;
		for (ptrdiff_t k = -d; k <= d && !found; k += 2) {
			/* Diagonal k of round d - 1 is entry k + d - 1 of its row. */
			if (d == 0)
				x = 0;
			else if (k == -d || (k != d && last[k + d - 2] < last[k + d]))
				x = last[k + d];
			else
				x = last[k + d - 2] + 1;
			y = x - k;
			while (x < n && y < m && same_line(&a[x], &b[y])) {
				x++;
				y++;
			}
			row[k + d] = (int32_t)x;
			found = x >= n && y >= m;
		}
	}
	for (d--, x = n, y = m; found && d > 0; d--) {
		const int32_t *last = rounds[d - 1];
		ptrdiff_t k = x - y;
		bool down = k == -d || (k != d && last[k + d - 2] < last[k + d]);
		ptrdiff_t from = down ? k + 1 : k - 1;

		x = last[from + d - 1];
		y = x - from;
		if (down)
			script->inserted[y] = true;
		else
			script->deleted[x] = true;
	}
	for (ptrdiff_t i = 0; i <= DISTANCE_MAX; i++)
		free(rounds[i]);
	free(rounds);
	return found;
}

static int collect(const struct script *script, size_t head, size_t n, size_t m,
		   struct hunks *hunks)
{
	size_t x = 0, y = 0;

	while (x < n || y < m) {
		struct hunk hunk = {.old_start = head + x, .new_start = head + y};

		for (; x < n && script->deleted[x]; x++)
			hunk.old_count++;
		for (; y < m && script->inserted[y]; y++)
			hunk.new_count++;
		if ((hunk.old_count || hunk.new_count) && hunks_add(hunks, &hunk))
			return -1;
		if (!hunk.old_count && !hunk.new_count) {
			x++;
			y++;
		}
	}
	return 0;
}

int hunks_compare(const char *old_text, size_t old_size, const char *new_text, size_t new_size,
		  struct hunks *hunks, struct suture_error *err)
{
	struct lines old = {0}, new = {0};
	struct script script = {0};
	size_t head = 0, tail = 0, n, m;
	int rc = -1;

	if (lines_split(old_text, old_size, &old) || lines_split(new_text, new_size, &new))
		goto out;
	while (head < old.count && head < new.count &&same_line(&old.list[head], &new.list[head]))
		head++;
	while (tail < old.count - head &&
	       tail < new.count - head &&same_line(&old.list[old.count - 1 - tail],
						   &new.list[new.count - 1 - tail]))
		tail++;
	n = old.count - head - tail;
	m = new.count - head - tail;
	script.deleted = calloc(n + 1, sizeof(bool));
	script.inserted = calloc(m + 1, sizeof(bool));
	if (!script.deleted || !script.inserted)
		goto out;
	if (!find_script(old.list + head, (ptrdiff_t)n, new.list + head, (ptrdiff_t)m, &script)) {
		memset(script.deleted, true, n);
		memset(script.inserted, true, m);
	}
	rc = collect(&script, head, n, m, hunks);
out:
	free(script.deleted);
	free(script.inserted);
	free(old.list);
	free(new.list);
	return rc ? error_no_memory(err) : 0;
}
