/* SPDX-License-Identifier: MIT */
/* Builds that were looked for; see builds.h. Worker. */
#include "agent/builds.h"

#include <stdlib.h>
#include <string.h>

bool builds_note(struct builds *builds, const char *id)
{
	void *grown;

	for (size_t i = 0; i < builds->count; i++)
		if (strcmp(builds->ids[i], id) == 0)
			return false;
	grown = realloc(builds->ids, (builds->count + 1) * sizeof(*builds->ids));
	if (!grown)
		return false;
	builds->ids = grown;
	strcpy(builds->ids[builds->count++], id);
	return true;
}

void builds_fini(struct builds *builds)
{
	free(builds->ids);
	*builds = (struct builds){0};
}
