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
static char *_Atomic values[COUNT]; /* never freed: somebody may be reading it */
static atomic_bool kept;

static const char *look_up(const char *name)
{
	const char *value = secure_getenv(name);

	return value && *value ? value : NULL;
}

void environment_keep(void)
{
	for (size_t i = 0; i < COUNT; i++) {
		const char *now = look_up(names[i]), *before = atomic_load(&values[i]);

		if (!now)
			atomic_store(&values[i], NULL);
		else if (!before || strcmp(before, now) != 0)
			atomic_store(&values[i], strdup(now));
	}
	atomic_store(&kept, true);
}

const char *environment_get(const char *name)
{
	if (!atomic_load(&kept))
		return look_up(name);
	for (size_t i = 0; i < COUNT; i++)
		if (strcmp(names[i], name) == 0)
			return atomic_load(&values[i]);
	return NULL;
}
