/* SPDX-License-Identifier: MIT */
/*
 * Child processes: started by posix_spawn with an argv, never through a shell. Output goes to
 * files, so that no child ever waits for us to read. Several run at once; a cancelled run kills
 * them all.
 */
#ifndef BUILDER_PROCESS_H
#define BUILDER_PROCESS_H

#include "builder/strings.h"

#include <suture/error.h>

struct process_job {
	const struct strings *argv; /* borrowed; argv[0] is looked up in PATH */
	const char *directory;	    /* borrowed; the child's working folder and its PWD */
	const char *out_path;	    /* borrowed; stdout, NULL: discarded */
	const char *error_path;	    /* borrowed; stderr, NULL: discarded */
	/*
	 * Borrowed; NULL: ours. VAR=VALUE is put over ours, VAR taken out of it; "-" as the first
	 * one takes out all.
	 */
	const struct strings *environment;
	int status; /* as waitpid() gives it; 127 << 8 where it did not start */
	void *user; /* for the callback */
};

/* Called on the caller's thread when a job has ended. */
typedef void process_done(struct process_job *job, void *context);

/*
 * Runs all jobs, at most `parallel` at a time, and returns when all have ended. A child that fails
 * is no error here: see status. Errors: could not start any, or cancelled (SUTURE_E_TIMEOUT).
 */
int process_run(struct process_job *jobs, size_t count, unsigned parallel, process_done *done,
		void *context, struct suture_error *err);

/*
 * From any thread or signal handler: running children are killed, process_run() returns an error at
 * once, and so does each later call.
 */
void process_cancel(void);
bool process_cancelled(void);
void process_uncancel(void);

static inline bool process_succeeded(const struct process_job *job)
{
	return job->status == 0;
}

#endif
