/* SPDX-License-Identifier: MIT */
/* The caller's side of an attempt: starting the helper, giving it commands, burying it. */
#include "stop/session.h"

#include "base/error.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	STACK_SIZE = 128 << 10,
	SPARE_TASKS = 256,
	ENTRY_SIZE = 32, /* of the kernel's directory records with a number for a name */
	SPIN_NS = 200000,
	PHASE_STARTING = 0x7fffffff,
};

/* The helper takes every signal blocked from birth: its parent's handlers are not for it. */
static long set_signal_mask(uint64_t mask, uint64_t *old)
{
	return arch_syscall(SYS_rt_sigprocmask, SIG_SETMASK, (long)&mask, (long)old, sizeof(mask),
			    0, 0);
}

static int open_task_dir(int *fd, size_t *threads, struct suture_error *err)
{
	char self[16] = "";
	struct stat info;
	int dir = open("/proc/self/task", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (dir < 0) {
		error_errno(err, SUTURE_E_UNSUPPORTED, errno,
			    "threads can't be listed: /proc/self/task");
		return error_next(err, "mount it there: mount -t proc proc /proc/%d/root/proc",
				  (int)getpid());
	}
	if (readlink("/proc/self", self, sizeof(self) - 1) > 0 && atoi(self) != getpid()) {
		close(dir);
		return error_set(err, SUTURE_E_UNSUPPORTED,
				 "/proc belongs to another PID namespace");
	}
	if (fstat(dir, &info) < 0)
		info.st_nlink = 2;
	*fd = dir;
	*threads = info.st_nlink;
	return 0;
}

/* One mapping: guard page, the helper's stack, the session, the table, the listing's buffer. */
static int session_map(size_t capacity, struct stop_session **result, uint8_t **stack_top,
		       struct suture_error *err)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t tasks_at = (sizeof(struct stop_session) + 63) & ~(size_t)63;
	size_t entries_at = tasks_at + capacity * sizeof(struct stop_task);
	size_t entries_size = (capacity + SPARE_TASKS) * ENTRY_SIZE;
	size_t size = (page + STACK_SIZE + entries_at + entries_size + page - 1) & ~(page - 1);
	uint8_t *base = mmap(NULL, size, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	struct stop_session *session;

	if (base == MAP_FAILED)
		return error_no_memory(err);
	mprotect(base, page, PROT_NONE);
	session = (struct stop_session *)(base + page + STACK_SIZE);
	session->mapping_size = size;
	session->tasks = (struct stop_task *)((uint8_t *)session + tasks_at);
	session->task_capacity = capacity;
	session->entries = (uint8_t *)session + entries_at;
	session->entries_size = entries_size;
	*stack_top = base + page + STACK_SIZE;
	*result = session;
	return 0;
}

static void session_unmap(struct stop_session *session)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	munmap((uint8_t *)session - STACK_SIZE - page, session->mapping_size);
}

/* Who has only one processor would keep it from whom it waits for. */
static bool has_processors(void)
{
	cpu_set_t allowed;

	/* Too many to fit is more than one as well. */
	return sched_getaffinity(0, sizeof(allowed), &allowed) != 0 || CPU_COUNT(&allowed) > 1;
}

/* The caller and, for as long as it lives, the helper. Not behind the start of the pause. */
static void hurry_together_stopped(struct stop_session *session)
{
	struct priority forgotten;

	if (session->hurry && session->may_raise && hurry_check_stopped(session->hurry))
		priority_hurry_stopped(session->helper, &forgotten);
}

static int clone_helper(struct stop_session *session, uint8_t *stack_top, struct suture_error *err)
{
	/* No CLONE_SIGHAND: handlers are its own. Exit signal 0: wait() in the application does not
	 * see it. CLONE_UNTRACED: a debugger of ours does not follow into it. */
	int flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_UNTRACED | CLONE_CHILD_CLEARTID;
	uint64_t old;
	int pid, errnum;

	atomic_store_explicit(&session->phase, PHASE_STARTING, memory_order_relaxed);
	set_signal_mask(UINT64_MAX, &old);
	pid = clone(helper_main, stack_top, flags, session, NULL, NULL, &session->phase);
	errnum = errno;
	/* Read by the helper after the first command only. */
	session->helper = pid;
	set_signal_mask(old, NULL);
	/* A limit; or a thread is in execve(), while nobody may share the folder (CLONE_FS). */
	if (pid < 0)
		return error_errno(
			err, errnum == EAGAIN ? SUTURE_E_AGENT_BUSY : SUTURE_E_PERMISSION, errnum,
			"the helper process that stops threads can't be started");
	return 0;
}

/*
 * What filters were seen to kill for: enum trial. They become more, never fewer, and a forked child
 * has its parent's.
 */
static _Atomic unsigned deadly;

static void permit(struct stop_session *session)
{
	unsigned known = atomic_load(&deadly);

	session->filtered = !hurry_is_harmless();
	session->may_raise = !session->filtered || (!session->solo && !(known & TRIAL_PRIORITY));
	session->may_trace = !session->filtered || !(known & TRIAL_TRACE);
	session->trial = TRIAL_NONE;
}

/* Of a helper that has just ended: did it die of what it tried out? Buries it then. */
static bool died_of_trial(const struct stop_session *session)
{
	int status = SIGSYS; /* as it seems when the application took it (__WALL) */

	if (session->trial == TRIAL_NONE)
		return false;
	while (waitpid(session->helper, &status, __WALL) < 0 && errno == EINTR)
		;
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS)
		atomic_fetch_or(&deadly, session->trial);
	return true;
}

/* Until one is ready, or died for another reason, which is seen with the first command. */
static int start_helper(struct stop_session *session, uint8_t *stack_top, bool allow_tracer,
			struct suture_error *err)
{
	int rc;

	do {
		permit(session);
		rc = clone_helper(session, stack_top, err);
		if (rc)
			return rc;
		if (allow_tracer)
			prctl(PR_SET_PTRACER, session->helper, 0, 0, 0);
	} while (wait_change_stopped(&session->phase, PHASE_STARTING, 0) == 0 &&
		 died_of_trial(session));
	return 0;
}

int session_start(const struct stop_request *request, const struct unwind_table *unwind,
		  const struct session_options *options, struct stop_session **result,
		  struct suture_error *err)
{
	struct stop_session *session = NULL;
	size_t threads = 0, capacity;
	uint8_t *stack_top;
	int dir = -1, rc;

	rc = open_task_dir(&dir, &threads, err);
	if (rc)
		return rc;
	capacity = (threads * 2 + SPARE_TASKS) << options->room;
	rc = session_map(capacity, &session, &stack_top, err);
	if (rc)
		goto close_dir;
	session->request = request;
	session->unwind = unwind;
	session->lazy = options->lazy;
	session->leader = getpid();
	session->caller = (pid_t)arch_syscall(SYS_gettid, 0, 0, 0, 0, 0, 0);
	session->task_dir = dir;
	session->solo = options->solo;
	session->gathering = options->gathering;
	session->hurry = options->hurry;
	if (options->await)
		wake_remember(session, options->await, options->await_ns);
	if (options->gathering)
		session->pause_start_ns = options->gathering->since_ns;
	session->spin_ns = has_processors() ? SPIN_NS : 0;
	if (options->inspect) {
		session->threads = calloc(capacity, sizeof(*session->threads));
		if (!session->threads) {
			rc = error_no_memory(err);
			goto unmap;
		}
	}
	rc = fiber_snapshot_take(&session->fibers, err);
	if (rc)
		goto free_threads;
	if (session->solo) {
		permit(session);
		unwind_memory_init_stopped(&session->memory, session->leader, -1);
		session->task_dir_shared = true;
		*result = session;
		return 0;
	}
	rc = start_helper(session, stack_top, options->allow_tracer, err);
	if (rc)
		goto free_fibers;
	hurry_together_stopped(session);
	if (session->may_raise)
		priority_save(session->caller, &session->caller_priority);
	if (session->private_files) {
		close(dir);
		session->task_dir_shared = false;
	} else {
		session->task_dir_shared = true;
	}
	*result = session;
	return 0;

free_fibers:
	fiber_snapshot_fini(&session->fibers);
free_threads:
	free(session->threads);
unmap:
	session_unmap(session);
close_dir:
	close(dir);
	return rc;
}

bool session_helper_alive_stopped(struct stop_session *session)
{
	if (session->solo)
		return true;
	/* Acquire, ordered behind what the caller wrote before: partner of the kernel's store of 0,
	 * which comes before it lets tracees go. The fence keeps gate_close's stores in front. */
	atomic_thread_fence(memory_order_seq_cst);
	return atomic_load_explicit(&session->phase, memory_order_acquire) != 0;
}

enum outcome session_command_stopped(struct stop_session *session, enum helper_command what)
{
	uint32_t number = atomic_load_explicit(&session->command, memory_order_relaxed) + 1;
	uint64_t spin_ns = what == COMMAND_CHECK ? session->spin_ns : 0;

	if (!session_helper_alive_stopped(session))
		return OUTCOME_HELPER_DIED;
	session->what = what;
	session->outcome = OUTCOME_CLEAN;
	if (session->solo) {
		helper_do_stopped(session, what);
		return session->outcome;
	}
	/* Release: partner of the helper's acquire in wait_change_stopped(). */
	atomic_store_explicit(&session->command, number, memory_order_release);
	wait_wake_stopped(&session->command);
	/* Should the pause begin meanwhile, real-time threads stay what they are. */
	if (what == COMMAND_LOOK && wait_soon_stopped(&session->phase, number) == number)
		hurry_together_stopped(session);
	/* The phase goes from number to number + 1; 0: the helper is dead. */
	if (wait_change_stopped(&session->phase, number, spin_ns) == 0 && what != COMMAND_RELEASE)
		return OUTCOME_HELPER_DIED;
	return session->outcome;
}

void session_release_stopped(struct stop_session *session)
{
	if (session->what == COMMAND_RELEASE)
		return;
	/* Is the pause over already? */
	if (session->pause_end_ns)
		priority_restore_stopped(session->caller, &session->caller_priority);
	session_command_stopped(session, COMMAND_RELEASE);
	session->what = COMMAND_RELEASE;
	if (!session->pause_end_ns)
		session->pause_end_ns = wait_now_stopped();
	priority_restore_stopped(session->caller, &session->caller_priority);
}

void session_end(struct stop_session *session)
{
	uint32_t phase;

	if (!session)
		return;
	session_release_stopped(session);
	fiber_snapshot_fini(&session->fibers);
	/* Its memory may go when the kernel has cleared the word: it will not touch it again. */
	while (!session->solo &&
	       (phase = atomic_load_explicit(&session->phase, memory_order_acquire)) != 0)
		wait_change_stopped(&session->phase, phase, 0);
	/* ECHILD: the application waits with __WALL for anybody, and took it. */
	while (!session->solo && waitpid(session->helper, NULL, __WALL) < 0 && errno == EINTR)
		;
	if (session->task_dir_shared)
		close(session->task_dir);
	session_unmap(session);
}

static bool is_helper(pid_t pid)
{
	char path[32], name[32] = "";
	ssize_t size;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	size = read(fd, name, sizeof(name) - 1);
	close(fd);
	return size > 0 && strncmp(name, STOP_HELPER_NAME, strlen(STOP_HELPER_NAME)) == 0;
}

void stop_bury_strays(void)
{
	siginfo_t info = {0};

	/* The application's own children of that kind are left as they are. */
	while (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT | __WCLONE) == 0 &&
	       info.si_pid && is_helper(info.si_pid)) {
		waitpid(info.si_pid, NULL, WNOHANG | __WCLONE);
		info = (siginfo_t){0};
	}
}
