/* SPDX-License-Identifier: MIT */
/* The errand's mapping and its course; see errand.h and struct arch_errand. */
#include "cli/attach/errand.h"

#include "base/error.h"
#include "base/file.h"
#include "cli/attach/hold.h"
#include "cli/attach/reply.h"
#include "cli/attach/resident.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

/* The mapping: a page of code, what it works on, the path, and the borrowed thread's stack. */
enum {
	PAGE = 4096,
	DATA_AT = PAGE,
	NAME_AT = DATA_AT + 2048,
	MEMORY_AT = NAME_AT + 64,
	CALLED_AT = MEMORY_AT + 64,
	PATH_AT = 2 * PAGE,
	FRAME_AT = PATH_AT + PAGE,
	FRAME_SIZE = 2 * PAGE,
	STACK_AT = FRAME_AT + FRAME_SIZE,
	STACK_SIZE = 128 << 10,
	MAPPING_SIZE = STACK_AT + STACK_SIZE,
	NAP_NS = 1000000,
	NAPS = 20000,	 /* of a thread whose answer nobody fetches */
	TURNS = 1 << 23, /* some seconds: who is alive needs milliseconds */
	SYSCALL_SEARCH = 64,
};

_Static_assert(sizeof(struct arch_errand) <= NAME_AT - DATA_AT, "it fits");

static const char start_name[] = "suture_start";
static const char memory_name[] = "libsuture.so"; /* as it is called in /proc/PID/maps */
static const char thread_name[] = ARCH_ERRAND_THREAD;

/* The C library's own system call instruction, in a function that does nothing else. */
static bool find_syscall(const struct remote *remote, const struct module *libc, uint64_t *at)
{
	const struct arch_ops *arch = arch_native();
	uint8_t code[SYSCALL_SEARCH];
	struct symbol symbol;

	if (!module_symbol(remote, libc, "sched_yield", &symbol) ||
	    !remote_read(remote, symbol.start, code, sizeof(code)))
		return false;
	for (size_t i = 0;
	     i + arch->syscall_insn_size <= sizeof(code) && symbol.start + i < symbol.end; i++)
		if (memcmp(code + i, arch->syscall_insn, arch->syscall_insn_size) == 0) {
			*at = symbol.start + i;
			return true;
		}
	return false;
}

/* An agent that is there already is not loaded again, whatever its file is called. */
static int find_start(const struct remote *remote, const struct modules *modules, uint64_t *start,
		      struct suture_error *err)
{
	struct resident resident;

	resident_find(remote, modules, &resident);
	if (resident.loaded && !resident.begun) {
		error_set(err, SUTURE_E_AGENT_BUSY, "an agent in it is not fully loaded");
		return error_next(err,
				  "if that stays so, pid %d was forked while its parent got the "
				  "agent: only a new one in its place can have one",
				  (int)remote->pid);
	}
	*start = resident.start;
	return 0;
}

static int unfit(const struct remote *remote, const struct module *libc, const char *missing,
		 struct suture_error *err)
{
	/* It may have become another program since its modules were read. */
	if (!remote_read(remote, libc->start, &(char){0}, 1))
		return error_set(err, SUTURE_E_AGENT_BUSY, "pid %d began another program",
				 (int)remote->pid);
	error_set(err, SUTURE_E_UNSUPPORTED, "its C library has no %s()", missing);
	return error_next(err, "glibc 2.34 or later is needed");
}

int errand_find(struct errand *errand, const struct remote *remote, const struct modules *modules,
		struct suture_error *err)
{
	struct arch_errand *places = &errand->places.errand;
	const struct wanted {
		const char *name;
		uint64_t *to;
	} wanted[] = {
		{"__errno_location", &places->errno_location},
		{"pthread_create", &places->pthread_create},
		{"pthread_self", &places->pthread_self},
		{"pthread_detach", &places->pthread_detach},
		{"dlopen", &places->dlopen},
		{"dlsym", &places->dlsym},
		{"dlerror", &places->dlerror},
		{"munmap", &places->munmap},
	};
	const struct module *libc = modules_named(modules, "libc.so.6");

	errand->remote = remote;
	if (!libc) {
		/* Its loader is glibc's, or it would have been refused. */
		error_set(err, SUTURE_E_AGENT_BUSY, "its loader has not loaded the C library");
		return error_next(err, "if that stays so, it uses none: only programs of glibc can "
				       "get an agent");
	}
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		struct symbol symbol;

		if (!module_symbol(remote, libc, wanted[i].name, &symbol))
			return unfit(remote, libc, wanted[i].name, err);
		*wanted[i].to = symbol.start;
	}
	if (!find_syscall(remote, libc, &errand->places.syscall_at))
		return unfit(remote, libc, "plain sched_yield", err);
	return find_start(remote, modules, &places->start, err);
}

static int fill_mapping(struct errand *errand, const struct borrowed *borrowed,
			struct suture_error *err)
{
	const struct arch_ops *arch = arch_native();
	struct arch_errand data = errand->places.errand;
	uint64_t base = errand->mapping;
	uint8_t frame[FRAME_SIZE];
	size_t frame_size = arch->return_frame(borrowed->regs, borrowed->vectors,
					       borrowed->vectors_size, borrowed->mask,
					       base + FRAME_AT, frame, sizeof(frame), &data.frame);

	data.path = base + PATH_AT;
	data.name = base + NAME_AT;
	data.called = base + CALLED_AT;
	data.thread_entry = base + arch->errand_thread;
	data.mapping = base;
	data.mapping_size = MAPPING_SIZE;
	data.nap[1] = NAP_NS;
	data.naps = NAPS;
	data.fd = ARCH_ERRAND_NO_FD;
	data.turns = TURNS;
	if (errand->library->by_memory)
		data.memory = base + MEMORY_AT;
	if (frame_size && remote_write(errand->remote, base + FRAME_AT, frame, frame_size) &&
	    remote_write(errand->remote, base, arch->errand, arch->errand_size) &&
	    remote_write(errand->remote, base + DATA_AT, &data, sizeof(data)) &&
	    remote_write(errand->remote, base + NAME_AT, start_name, sizeof(start_name)) &&
	    remote_write(errand->remote, base + MEMORY_AT, memory_name, sizeof(memory_name)) &&
	    remote_write(errand->remote, base + CALLED_AT, thread_name, sizeof(thread_name)) &&
	    remote_write(errand->remote, base + PATH_AT, errand->library->path,
			 strlen(errand->library->path) + 1))
		return 0;
	return error_set(err, SUTURE_E_UNSUPPORTED, "its memory can't be written");
}

/* One reservation, so that one munmap() takes it all back. No page is writable and executable. */
static int make_mapping(struct errand *errand, struct borrowed *borrowed, struct suture_error *err)
{
	const uint64_t reserve[ARCH_MAX_CALL] = {0, MAPPING_SIZE, PROT_READ | PROT_EXEC,
						 MAP_PRIVATE | MAP_ANONYMOUS, UINT64_MAX};
	uint64_t data[ARCH_MAX_CALL] = {0, MAPPING_SIZE - DATA_AT, PROT_READ | PROT_WRITE};
	int64_t result;
	int rc = borrow_syscall(borrowed, errand->places.syscall_at, SYS_mmap, reserve, &result,
				err);

	if (!rc && result < 0 && result > -PAGE)
		rc = error_errno(err, SUTURE_E_UNSUPPORTED, (int)-result,
				 "it can't map %d bytes of code", PAGE);
	if (rc)
		return rc;
	errand->mapping = (uint64_t)result;
	errand->data = errand->mapping + DATA_AT;
	errand->path = errand->mapping + PATH_AT;
	data[0] = errand->mapping + DATA_AT;
	rc = borrow_syscall(borrowed, errand->places.syscall_at, SYS_mprotect, data, &result, err);
	if (!rc && result < 0)
		rc = error_errno(err, SUTURE_E_UNSUPPORTED, (int)-result, "it can't map memory");
	return rc ? rc : fill_mapping(errand, borrowed, err);
}

/* What gave up privileges may not even look at its own memory, and nobody may stop its threads. */
static int set_dumpable(const struct errand *errand, struct borrowed *borrowed, bool to,
			struct suture_error *err)
{
	const uint64_t arguments[ARCH_MAX_CALL] = {PR_SET_DUMPABLE, to};
	int64_t result;
	int rc = borrow_syscall(borrowed, errand->places.syscall_at, SYS_prctl, arguments, &result,
				err);

	if (!rc && result < 0)
		rc = error_errno(err, SUTURE_E_PERMISSION, (int)-result,
				 "it can't be made dumpable");
	return rc;
}

/* The error that is being reported is the one before; what fails here leaves a mapping behind. */
static void remove_mapping(struct errand *errand, struct borrowed *borrowed)
{
	const uint64_t arguments[ARCH_MAX_CALL] = {errand->mapping, MAPPING_SIZE};
	int64_t result;

	if (errand->mapping)
		borrow_syscall(borrowed, errand->places.syscall_at, SYS_munmap, arguments, &result,
			       NULL);
	errand->mapping = 0;
}

static bool is_away_done(void *context)
{
	struct arch_errand data;

	return reply_read(context, &data) && data.away_done;
}

/* How many processes and threads its user may have, as everybody may see it; -1: no limit. */
static long thread_limit(pid_t pid)
{
	cleanup_stream FILE *file = NULL;
	char path[64], line[256];
	long limit = -1;

	snprintf(path, sizeof(path), "/proc/%d/limits", (int)pid);
	file = fopen(path, "re");
	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "Max processes %ld", &limit) == 1)
			break;
	return limit;
}

/* Some programs allow themselves no more: haproxy's workers set the limit to 0. */
static int no_thread(pid_t pid, int errnum, struct suture_error *err)
{
	long limit = thread_limit(pid);

	error_errno(err, SUTURE_E_UNSUPPORTED, errnum, "it can't start a thread");
	if (errnum != EAGAIN)
		return -(int)SUTURE_E_UNSUPPORTED;
	if (limit >= 0)
		return error_next(
			err,
			"its limit of processes and threads is %ld (RLIMIT_NPROC): prlimit "
			"--pid %d --nproc=N raises that, N above what its user has",
			limit, (int)pid);
	return error_next(err, "it is at a limit of its cgroup (pids.max) or of the system");
}

/* returned: it went back by itself; then it is none of ours any more. */
static int start_thread(struct errand *errand, struct borrowed *borrowed, bool *returned,
			struct suture_error *err)
{
	struct arch_errand data;
	int rc = borrow_run(borrowed, errand->mapping, errand->mapping + DATA_AT,
			    errand->mapping + MAPPING_SIZE, is_away_done, errand, err);

	if (rc)
		return rc;
	if (!reply_read(errand, &data))
		return error_set(err, SUTURE_E_NO_PROCESS, "the process ended meanwhile");
	*returned = data.returned;
	return data.created ? no_thread(errand->remote->pid, (int)data.created, err) : 0;
}

int errand_send(struct errand *errand, struct borrowed *borrowed, struct suture_error *err)
{
	struct suture_error back;
	bool returned = false, held;
	int rc;

	errand->mapping = 0;
	errand->failed = 0;
	errand->waits = errand->library->by_memory && !errand->places.errand.start;
	rc = borrow_begin(borrowed, err);
	if (rc) {
		borrow_release(borrowed);
		return rc;
	}
	held = !errand->places.errand.start && hold_is_needed(errand->remote->pid, borrowed->tid);
	if (errand->make_dumpable)
		rc = set_dumpable(errand, borrowed, true, err);
	if (!rc)
		rc = make_mapping(errand, borrowed, err);
	if (!rc)
		rc = start_thread(errand, borrowed, &returned, err);
	if (returned) {
		borrow_release(borrowed);
		return rc;
	}
	/* Neither of these leaves a thread that could be put back. */
	if (rc == -(int)SUTURE_E_NO_PROCESS || rc == -(int)SUTURE_E_UNCERTAIN)
		return rc;
	if (rc)
		remove_mapping(errand, borrowed);
	else if (held)
		reply_await_held(errand, borrowed->tid);
	if (rc && errand->make_dumpable)
		set_dumpable(errand, borrowed, false, NULL);
	if (borrow_return(borrowed, &back)) {
		*err = back;
		return -(int)back.code;
	}
	return rc;
}
