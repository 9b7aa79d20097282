/* SPDX-License-Identifier: MIT */
/* See turn.h. */
#include "cli/attach/turn.h"

#include "base/error.h"
#include "cli/attach/borrow.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

int turn_take(const struct process *process, uint64_t deadline, int *fd, bool *waited,
	      struct suture_error *err)
{
	const struct timespec nap = {.tv_nsec = 5000000};
	char path[64];
	int lock;

	snprintf(path, sizeof(path), "/proc/%d/mem", (int)process->pid);
	lock = open(path, O_RDONLY | O_CLOEXEC);
	*waited = false;
	while (lock >= 0 && flock(lock, LOCK_EX | LOCK_NB) && errno == EWOULDBLOCK) {
		*waited = true;
		if (borrow_now_us() > deadline) {
			close(lock);
			error_set(err, SUTURE_E_AGENT_BUSY,
				  "another suture attaches to %s (pid %d)", process->name,
				  (int)process->pid);
			return error_next(err, "try again when that is done");
		}
		nanosleep(&nap, NULL);
	}
	*fd = lock;
	return 0;
}
