/* SPDX-License-Identifier: MIT */
/* Outcomes as errors: what happened, to which thread, and what to allow. Threads run; any thread.
 */
#include "stop/session.h"

#include "base/error.h"
#include "base/file.h"
#include "base/restraint.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>

const char *stop_rung_name(enum stop_rung rung)
{
	switch (rung) {
	case STOP_RUNG_AUTO:
		return "auto";
	case STOP_RUNG_LAZY:
		return "lazy";
	case STOP_RUNG_FULL:
		return "full";
	case STOP_RUNG_SAFEPOINT:
		return "safepoint";
	}
	return "unknown";
}

const char *stop_reason_text(enum stop_reason reason)
{
	switch (reason) {
	case STOP_REASON_NONE:
		return "outside";
	case STOP_REASON_FUNCTION:
		return "inside a function to be replaced";
	case STOP_REASON_UNKNOWN_FRAME:
		return "in code without usable unwind information";
	case STOP_REASON_UNSTOPPABLE:
		return "in an uninterruptible system call";
	case STOP_REASON_VFORK:
		return "waits for a vfork child";
	case STOP_REASON_TRACED:
		return "traced by another process";
	case STOP_REASON_REFUSED:
		return "may not be traced";
	case STOP_REASON_ABSENT:
		return "did not come to its safe point";
	}
	return "unknown";
}

/* ---- permission ----------------------------------------------------------------------------- */

static bool read_text(const char *path, char *text, size_t size)
{
	cleanup_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t got = fd < 0 ? -1 : read(fd, text, size - 1);

	if (got < 0)
		return false;
	text[got] = '\0';
	text[strcspn(text, "\n")] = '\0';
	return true;
}

int explain_yama_scope(void)
{
	char text[16];

	return read_text("/proc/sys/kernel/yama/ptrace_scope", text, sizeof(text)) ? atoi(text) : 0;
}

void explain_comm(pid_t tid, char comm[STOP_COMM_SIZE])
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/task/%d/comm", (int)tid);
	if (!read_text(path, comm, STOP_COMM_SIZE))
		comm[0] = '\0';
	text_mend(comm); /* the kernel cuts names after any byte */
}

static int explain_traced(const struct stop_blocker *blocker, struct suture_error *err)
{
	pid_t tracer = tracer_of(blocker->tid);
	char path[64], name[64] = "a process";

	snprintf(path, sizeof(path), "/proc/%d/comm", (int)tracer);
	if (!tracer || !read_text(path, name, sizeof(name)))
		snprintf(name, sizeof(name), "a process");
	error_set(err, SUTURE_E_PERMISSION, "thread %d (%s) is traced by %s (pid %d)",
		  (int)blocker->tid, blocker->comm, name, (int)tracer);
	return error_next(err, "detach %s, or use a safe point of the application", name);
}

static bool has_mixed_ids(void)
{
	uid_t uid, euid, suid;
	gid_t gid, egid, sgid;

	return getresuid(&uid, &euid, &suid) == 0 && getresgid(&gid, &egid, &sgid) == 0 &&
	       (uid != euid || uid != suid || gid != egid || gid != sgid);
}

const char *explain_what_to_allow(const struct explain_permission *permission)
{
	if (!permission->dumpable)
		return "the process is not dumpable: suture attach --make-dumpable, or give it "
		       "CAP_SYS_PTRACE, or let it call prctl(PR_SET_DUMPABLE, 1)";
	if (permission->mixed)
		return "its real, effective and saved user or group ids are not the same, and so "
		       "its "
		       "own helper may not trace it: give it CAP_SYS_PTRACE, or use a safe point "
		       "of the application";
	if (permission->yama_scope >= 3)
		return "kernel.yama.ptrace_scope is 3, which only a reboot undoes: use a safe "
		       "point of the application";
	if (permission->yama_scope == 2)
		return "kernel.yama.ptrace_scope is 2: set it to 1, or give the process "
		       "CAP_SYS_PTRACE";
	if (permission->filtered)
		return "a seccomp filter is in force: allow ptrace in it (systemd: "
		       "SystemCallFilter=ptrace; containers: --cap-add SYS_PTRACE or a profile "
		       "that allows it)";
	return "allow ptrace within the process (a security module refuses it), or use a safe "
	       "point of the application";
}

static int explain_refused(const struct stop_result *result, int errnum, struct suture_error *err)
{
	const struct stop_blocker *blocker = result->blocker_count ? &result->blockers[0] : NULL;
	struct explain_permission permission;

	for (unsigned i = 0; i < result->blocker_count; i++)
		if (result->blockers[i].reason == STOP_REASON_TRACED)
			return explain_traced(&result->blockers[i], err);
	error_errno(err, SUTURE_E_PERMISSION, errnum, "thread %d (%s) can't be stopped by ptrace",
		    blocker ? (int)blocker->tid : 0, blocker ? blocker->comm : "?");
	permission = (struct explain_permission){
		.yama_scope = explain_yama_scope(),
		.dumpable = prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 1,
		.mixed = has_mixed_ids(),
		.filtered = prctl(PR_GET_SECCOMP, 0, 0, 0, 0) > 0,
	};
	return error_next(err, "%s", explain_what_to_allow(&permission));
}

/* ---- others --------------------------------------------------------------------------------- */

static int explain_blocked(enum suture_code code, const struct stop_result *result,
			   struct suture_error *err)
{
	const struct stop_blocker *blocker = &result->blockers[0];

	if (!result->blocker_count)
		return error_set(err, code, "%s", suture_code_text(code));
	if (blocker->reason == STOP_REASON_UNKNOWN_FRAME && blocker->depth)
		return error_set(
			err, code, "thread %d (%s) is %s, at %#lx", (int)blocker->tid,
			blocker->comm, stop_reason_text(blocker->reason),
			(unsigned long)blocker->backtrace[blocker->busy_frame < blocker->depth
								  ? blocker->busy_frame
								  : blocker->depth - 1]);
	return error_set(err, code, "thread %d (%s): %s", (int)blocker->tid, blocker->comm,
			 stop_reason_text(blocker->reason));
}

int explain_outcome(enum outcome outcome, int error, const struct stop_result *result,
		    struct suture_error *err)
{
	switch (outcome) {
	case OUTCOME_BUSY:
		return explain_blocked(SUTURE_E_BUSY_STACK, result, err);
	case OUTCOME_STUCK:
		return explain_blocked(SUTURE_E_UNSTOPPABLE_THREAD, result, err);
	case OUTCOME_OVER_BUDGET:
		return error_set(err, SUTURE_E_PAUSE_BUDGET,
				 "the pause took more than was allowed: %llu us with %u threads",
				 (unsigned long long)result->longest_failed_pause_ns / 1000,
				 result->threads);
	case OUTCOME_REFUSED:
		return explain_refused(result, error, err);
	case OUTCOME_NO_PROC:
		return error_errno(err, SUTURE_E_UNSUPPORTED, error,
				   "threads can't be listed: /proc/self/task");
	case OUTCOME_TABLE_FULL:
		return error_set(err, SUTURE_E_UNSTOPPABLE_THREAD,
				 "threads are created faster than they can be listed");
	case OUTCOME_HELPER_DIED:
		return error_set(err, SUTURE_E_UNSTOPPABLE_THREAD,
				 "the helper process that stops threads was killed");
	case OUTCOME_FIBERS:
		return error_set(err, SUTURE_E_UNSTOPPABLE_THREAD,
				 "fibers are added and removed faster than they can be looked at");
	case OUTCOME_FORKING:
		return error_set(err, SUTURE_E_UNSTOPPABLE_THREAD,
				 "at each attempt a thread was in fork()");
	case OUTCOME_ABSENT:
		explain_blocked(SUTURE_E_TIMEOUT, result, err);
		return error_next(err, "a thread that waits for long should call "
				       "suture_safepoint_leave() first; or try --at any");
	case OUTCOME_NEEDS_TRACE:
	case OUTCOME_CLEAN:
		break;
	}
	return error_set(err, SUTURE_E_INTERNAL, "no outcome");
}
