/* SPDX-License-Identifier: MIT */
/* See filters.h. */
#include "base/filters.h"

#include "base/file.h"

#include <stdio.h>

int filters_of(pid_t tid)
{
	cleanup_stream FILE *file = NULL;
	char path[64], line[256];
	int count = -1;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)tid);
	file = fopen(path, "re");
	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "Seccomp_filters: %d", &count) == 1)
			break;
	return count;
}
