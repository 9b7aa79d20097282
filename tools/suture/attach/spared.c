/* SPDX-License-Identifier: MIT */
/* See spared.h. */
#include "cli/attach/spared.h"

#include "base/error.h"
#include "base/file.h"
#include "base/restraint.h"
#include "cli/attach/borrow.h"
#include "cli/attach/resident.h"
#include "cli/attach/seccomp.h"

#include <ctype.h>
#include <dirent.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { PATIENCE_US = 5000000 };

/* The one that serves. The worker has its filters, and must not be held in a pause. */
static bool is_agent(pid_t pid, const char *tid)
{
	char path[64], name[32] = "";
	cleanup_stream FILE *file = NULL;

	snprintf(path, sizeof(path), "/proc/%d/task/%.10s/comm", (int)pid, tid);
	file = fopen(path, "re");
	return file && fgets(name, sizeof(name), file) && strcmp(name, "suture\n") == 0;
}

/* Another suture may be looking at it, or stop it for a patch; who is a debugger stays. */
static int check_thread(pid_t tid, struct suture_error *err)
{
	static struct borrowed borrowed;
	const struct timespec nap = {.tv_nsec = 2000000};
	uint64_t deadline = borrow_now_us() + PATIENCE_US;
	enum borrow_catch what;
	int rc;

	for (;;) {
		rc = borrow_stop(&borrowed, tid, deadline, &what, err);
		if (!rc && what == BORROW_CAUGHT)
			break;
		if ((rc && !tracer_of(tid)) || borrow_now_us() > deadline)
			return 0;
		nanosleep(&nap, NULL);
	}
	rc = seccomp_spares(tid, err);
	borrow_release(&borrowed);
	return rc;
}

/* Who can't read filters sees whether there are others than those that the agent began under. */
static int check_number(const struct process *process, pid_t tid, struct suture_error *err)
{
	struct resident resident;

	if (!resident_read(process, &resident) || resident.filters < 0 ||
	    filters_of(tid) <= resident.filters)
		return 0;
	error_set(err, SUTURE_E_UNSUPPORTED,
		  "it has put a seccomp filter over its agent, which may kill it");
	return error_next(err, "run suture as root, which can read the filter; -s SOCKET goes on "
			       "all the same");
}

int spared_check(const struct process *process, struct suture_error *err)
{
	sigset_t all, before;
	struct dirent *entry = NULL;
	char path[64];
	DIR *threads;
	bool found = false;
	pid_t tid;
	int rc = 0;

	/* Nothing may end us while a thread is held. */
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &before);

	snprintf(path, sizeof(path), "/proc/%d/task", (int)process->pid);
	threads = opendir(path);
	while (threads && !found && (entry = readdir(threads)))
		found = isdigit((unsigned char)entry->d_name[0]) &&
			is_agent(process->pid, entry->d_name);
	tid = found ? atoi(entry->d_name) : 0;
	if (found && seccomp_mode(tid) == SECCOMP_MODE_FILTER)
		rc = geteuid() == 0 ? check_thread(tid, err) : check_number(process, tid, err);
	if (threads)
		closedir(threads);
	sigprocmask(SIG_SETMASK, &before, NULL);
	return rc;
}
