/* SPDX-License-Identifier: MIT */
/*
 * The one writer of code. It writes through /proc/self/mem, which ignores page protections, so that
 * no page is ever writable and executable at once and nothing needs mprotect().
 *
 * Threads: open, close and prefault belong to the plan phase (agent's thread). The functions that
 * end in _stopped use raw system calls alone: no errno, no allocation, no locks. They may be called
 * by the agent's thread or by the stop's helper, by one of them at a time.
 */
#ifndef TRAMPOLINE_WRITER_H
#define TRAMPOLINE_WRITER_H

#include <suture/error.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Where a test can make the writer fail. */
enum code_writer_step {
	CODE_WRITER_READ,
	CODE_WRITER_WRITE, /* any write of an edit set going forward, and of near memory */
	CODE_WRITER_SYNC,
	CODE_WRITER_UNDO, /* a write that restores; failing it is the only way to UNCERTAIN */
};

struct code_writer {
	int fd;	       /* /proc/self/mem, owned; -1 when closed */
	bool can_sync; /* membarrier() can serialise the processors that run our threads */
	/*
	 * Fault injection for tests, NULL otherwise: a value other than 0 makes the step fail
	 * before it has any effect. Called in stopped code.
	 */
	int (*fault)(enum code_writer_step step, void *context);
	void *fault_context;
};

int code_writer_open(struct code_writer *writer, struct suture_error *err);
/* May be called on one that was zeroed or never opened successfully. */
void code_writer_close(struct code_writer *writer);

/*
 * Reads size bytes at address, also where a plain load would fault. Returns 0 or -errno. step is
 * CODE_WRITER_READ unless the reading is part of undoing.
 */
int code_writer_read_stopped(const struct code_writer *writer, enum code_writer_step step,
			     uintptr_t address, void *out, size_t size);

/*
 * Replaces size bytes at address if they are `old` now. Returns 0, -ESTALE when they are not (and
 * nothing was written), or another -errno. This is the only function in Suture that writes code.
 *
 * Threads that execute these bytes meanwhile may see any mixture of old and new ones, unless only
 * one byte differs: the kernel copies byte by byte when it pleases (path.h).
 */
int code_writer_replace_stopped(const struct code_writer *writer, enum code_writer_step step,
				uintptr_t address, const uint8_t *old, const uint8_t *new_bytes,
				size_t size);

/*
 * Makes every thread of the process see code that was written before it runs on. Returns 0, or
 * -errno when the system can't: then only threads that were stopped are safe (they come back from
 * the kernel by a serialising return).
 */
int code_writer_sync_stopped(const struct code_writer *writer);

#endif
