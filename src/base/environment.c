/* SPDX-License-Identifier: MIT */
/* Variables that are kept; see environment.h. */
#include "base/environment.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

enum { COUNT = 2 };

static const char *const names[COUNT] = {"SUTURE_DIR", "TMPDIR"};

/* Never freed: somebody may be reading it. */
struct value {
	struct value *before;
	char text[];
};

static struct value *_Atomic values[COUNT];
static atomic_bool kept;

static const char *look_up(const char *name)
{
	const char *value = secure_getenv(name);

	return value && *value ? value : NULL;
}

/* An empty text: it is not set. */
static void keep(struct value *_Atomic *value, const char *now)
{
	struct value *before = atomic_load(value), *made;
	size_t size = strlen(now) + 1;

	if (before ? strcmp(before->text, now) == 0 : !*now)
		return;
	made = malloc(sizeof(*made) + size);
	if (!made)
		return;
	made->before = before;
	memcpy(made->text, now, size);
	atomic_store(value, made);
}

void environment_keep(void)
{
	for (size_t i = 0; i < COUNT; i++) {
		const char *now = look_up(names[i]);

		keep(&values[i], now ? now : "");
	}
	atomic_store(&kept, true);
}

const char *environment_get(const char *name)
{
	if (!atomic_load(&kept))
		return look_up(name);
	for (size_t i = 0; i < COUNT; i++) {
		const struct value *value = atomic_load(&values[i]);

		if (strcmp(names[i], name) == 0)
			return value && *value->text ? value->text : NULL;
	}
	return NULL;
}
