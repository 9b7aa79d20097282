/* SPDX-License-Identifier: MIT */
/* The threads of a process, those first that may be borrowed with the least disturbance. */
#ifndef ATTACH_CANDIDATES_H
#define ATTACH_CANDIDATES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct candidate_thread {
	pid_t tid;
	unsigned rank; /* of its wait, 1 best; CANDIDATE_RUNNING */
	long number;   /* of its system call */
	uint64_t sp;   /* where it is asleep */
	uint64_t pc;
};

enum { CANDIDATE_RUNNING = 1000, CANDIDATES_MAX = 256 };

/* Fills list with at most CANDIDATES_MAX threads by rank; returns how many. 0 also when all wait
 * for something else, or the process is gone. */
size_t candidates_list(pid_t pid, struct candidate_thread list[CANDIDATES_MAX]);

#endif
