/* SPDX-License-Identifier: MIT */
/* What /proc tells of threads without disturbing them; see candidates.h. */
#include "cli/attach/candidates.h"

#include "arch/arch.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* "running", "-1 SP PC" (asleep in no system call), or "NUMBER six arguments SP PC". */
static bool parse(const char *text, struct candidate_thread *thread)
{
	char *end;

	if (strncmp(text, "running", 7) == 0) {
		thread->rank = CANDIDATE_RUNNING;
		return true;
	}
	thread->number = strtol(text, &end, 10);
	if (end == text || thread->number < 0)
		return false;
	for (int i = 0; i < 6; i++)
		strtoull(end, &end, 16);
	thread->sp = strtoull(end, &end, 16);
	thread->pc = strtoull(end, &end, 16);
	thread->rank = arch_native()->wait_rank(thread->number);
	return thread->rank != 0 && thread->pc != 0;
}

static bool look(pid_t pid, pid_t tid, struct candidate_thread *thread)
{
	char path[64], text[256];
	ssize_t got;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/syscall", (int)pid, (int)tid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	got = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (got <= 0)
		return false;
	text[got] = '\0';
	*thread = (struct candidate_thread){.tid = tid};
	return parse(text, thread);
}

static int by_rank(const void *a, const void *b)
{
	const struct candidate_thread *x = a, *y = b;

	if (x->rank != y->rank)
		return x->rank < y->rank ? -1 : 1;
	return (x->tid > y->tid) - (x->tid < y->tid);
}

size_t candidates_list(pid_t pid, struct candidate_thread list[CANDIDATES_MAX])
{
	struct dirent *entry;
	size_t count = 0;
	char path[64];
	DIR *folder;

	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	folder = opendir(path);
	while (folder && count < CANDIDATES_MAX && (entry = readdir(folder)))
		if (isdigit((unsigned char)entry->d_name[0]))
			count += look(pid, (pid_t)atoi(entry->d_name), &list[count]);
	if (folder)
		closedir(folder);
	qsort(list, count, sizeof(*list), by_rank);
	return count;
}
