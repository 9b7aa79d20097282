/* SPDX-License-Identifier: MIT */
/* See tracer.h. */
#include "base/tracer.h"

#include "base/file.h"

#include <stdio.h>

pid_t tracer_of(pid_t tid)
{
	cleanup_stream FILE *file = NULL;
	char path[64], line[256];
	int tracer = 0;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)tid);
	file = fopen(path, "re");
	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "TracerPid: %d", &tracer) == 1)
			break;
	return tracer;
}
