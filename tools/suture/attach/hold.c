/* SPDX-License-Identifier: MIT */
/* What /proc tells of a program's threads; see hold.h. */
#include "cli/attach/hold.h"

#include "base/file.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A thread that is not this one; 0: there is none. */
static pid_t other_thread(pid_t pid, pid_t thread)
{
	struct dirent *entry;
	pid_t other = 0;
	char path[64];
	DIR *tasks;

	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	tasks = opendir(path);
	while (tasks && !other && (entry = readdir(tasks))) {
		pid_t tid = atoi(entry->d_name);

		if (tid != thread)
			other = tid;
	}
	if (tasks)
		closedir(tasks);
	return other;
}

bool hold_is_needed(pid_t pid, pid_t thread)
{
	return !other_thread(pid, thread);
}

bool hold_is_blocked(pid_t pid, pid_t thread)
{
	cleanup_stream FILE *file = NULL;
	char path[96], line[1024];
	const char *name_end;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/stat", (int)pid,
		 (int)other_thread(pid, thread));
	file = fopen(path, "re");
	if (!file || !fgets(line, sizeof(line), file))
		return false;
	name_end = strrchr(line, ')');
	return name_end && strncmp(name_end, ") R", 3) != 0;
}
