/* SPDX-License-Identifier: MIT */
/* See restraint.h. */
#include "base/restraint.h"

#include "base/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The number in the line that begins with key; otherwise where there is no such line. */
static int status_number(pid_t tid, const char *key, int otherwise)
{
	cleanup_stream FILE *file = NULL;
	char path[64], line[256];

	snprintf(path, sizeof(path), "/proc/%d/status", (int)tid);
	file = fopen(path, "re");
	while (file && fgets(line, sizeof(line), file))
		if (strncmp(line, key, strlen(key)) == 0)
			return (int)strtol(line + strlen(key), NULL, 10);
	return otherwise;
}

pid_t tracer_of(pid_t tid)
{
	return status_number(tid, "TracerPid:", 0);
}

int filters_of(pid_t tid)
{
	return status_number(tid, "Seccomp_filters:", -1);
}
