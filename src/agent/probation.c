/* SPDX-License-Identifier: MIT */
/* Who crashes in the first seconds is remembered; see probation.h. */
#include "agent/probation.h"

#include "patch/trial.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { MOST = 64 };

/*
 * Written by the worker, read by a signal handler in any thread: a subject is complete before
 * count says that it is there (release; the handler acquires).
 */
static struct {
	struct {
		uint8_t hash[HASH_SIZE];
		struct trial *trial; /* NULL: released */
	} subjects[MOST];
	atomic_uint count;
	_Atomic pid_t pid;	   /* who is on probation */
	_Atomic uint64_t until_ns; /* CLOCK_MONOTONIC; before the seconds begin: never */
	atomic_bool marked;	   /* one crash is one, however many threads have it */
} probation;

static const int fatal[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGSYS, SIGTRAP};

/* Async-signal-safe, like all that the handler calls. */
static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* Ended, though perhaps nobody has asked how. */
static bool is_gone(pid_t pid)
{
	char path[32], text[256], *at = path + sizeof(path) - 1;
	ssize_t length = 0;
	int fd;

	if (kill(pid, 0) < 0)
		return errno == ESRCH;
	/* No printf in a handler: "/proc/PID/stat", from its end. */
	at -= strlen("/stat");
	memcpy(at, "/stat", sizeof("/stat"));
	for (pid_t rest = pid; rest; rest /= 10)
		*--at = (char)('0' + rest % 10);
	at -= strlen("/proc/");
	memcpy(at, "/proc/", strlen("/proc/"));
	fd = open(at, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		length = read(fd, text, sizeof(text) - 1);
		close(fd);
	}
	text[length > 0 ? length : 0] = '\0';
	at = strrchr(text, ')');
	return at && at[1] && at[2] == 'Z';
}

/* This process, or what became of it when it went into the background. */
static bool is_meant(void)
{
	pid_t pid = atomic_load(&probation.pid);

	return pid == getpid() || is_gone(pid);
}

/* Those that survived before are not the first to be suspected. */
static void mark_crash(void)
{
	unsigned count = atomic_load_explicit(&probation.count, memory_order_acquire);
	bool any_new = false;

	for (unsigned i = 0; i < count; i++)
		any_new |= probation.subjects[i].trial &&
			   !atomic_load(&probation.subjects[i].trial->survived);
	for (unsigned i = 0; i < count; i++) {
		struct trial *trial = probation.subjects[i].trial;

		if (trial && (!any_new || !atomic_load(&trial->survived)))
			atomic_fetch_add(&trial->crashes, 1);
	}
}

static void mark_survival(void)
{
	unsigned count = atomic_load_explicit(&probation.count, memory_order_acquire);

	for (unsigned i = 0; i < count; i++) {
		struct trial *trial = probation.subjects[i].trial;

		if (!trial)
			continue;
		atomic_store(&trial->survived, 1);
		atomic_store(&trial->crashes, 0);
	}
}

static void mark(bool crashed)
{
	bool late = now_ns() >= atomic_load(&probation.until_ns);

	if (!is_meant() || (!late && !crashed) || atomic_exchange(&probation.marked, true))
		return;
	if (late)
		mark_survival();
	else
		mark_crash();
}

/*
 * The fault comes again when the instruction is executed anew, a signal that was sent does not.
 * SIGTRAP and SIGSYS leave the program counter behind their instruction.
 */
static void on_fatal(int signal, siginfo_t *info, void *context)
{
	const struct sigaction plain = {.sa_handler = SIG_DFL};

	(void)context;
	sigaction(signal, &plain, NULL);
	mark(true);
	if (info->si_code <= 0 || signal == SIGTRAP || signal == SIGSYS)
		syscall(SYS_tgkill, getpid(), syscall(SYS_gettid), signal);
}

/* Where the program has a handler of its own, or ignores the signal, it stays so. */
static void watch_signals(void)
{
	struct sigaction ours = {.sa_sigaction = on_fatal, .sa_flags = SA_SIGINFO | SA_ONSTACK};
	struct sigaction old;

	sigfillset(&ours.sa_mask);
	for (size_t i = 0; i < sizeof(fatal) / sizeof(fatal[0]); i++)
		if (sigaction(fatal[i], NULL, &old) == 0 && !(old.sa_flags & SA_SIGINFO) &&
		    old.sa_handler == SIG_DFL)
			sigaction(fatal[i], &ours, NULL);
}

/* A child of a fork() has its parent's subjects, and begins with none of them. */
static void begin_in_this_process(void)
{
	if (atomic_load(&probation.pid) == getpid())
		return;
	atomic_store(&probation.count, 0);
	atomic_store(&probation.marked, false);
	atomic_store(&probation.until_ns, UINT64_MAX);
	atomic_store(&probation.pid, getpid());
	watch_signals();
}

static bool probation_pending(void)
{
	return atomic_load(&probation.count) && !atomic_load(&probation.marked) &&
	       atomic_load(&probation.pid) == getpid();
}

static unsigned find(const uint8_t hash[HASH_SIZE])
{
	unsigned count = atomic_load(&probation.count), i = 0;

	while (i < count && memcmp(probation.subjects[i].hash, hash, HASH_SIZE) != 0)
		i++;
	return i;
}

bool probation_admit(const uint8_t hash[HASH_SIZE])
{
	struct trial *trial = trial_map(hash);
	unsigned at;

	if (!trial)
		return true;
	if (atomic_load(&trial->crashes) >= TRIAL_CRASHES)
		return false;
	begin_in_this_process();
	at = find(hash);
	if (at == MOST)
		return true;
	memcpy(probation.subjects[at].hash, hash, HASH_SIZE);
	probation.subjects[at].trial = trial;
	if (at == atomic_load(&probation.count))
		atomic_store_explicit(&probation.count, at + 1, memory_order_release);
	atomic_store(&probation.until_ns, UINT64_MAX);
	atomic_store(&probation.marked, false);
	return true;
}

void probation_release(const uint8_t hash[HASH_SIZE])
{
	unsigned at = find(hash);

	if (at < atomic_load(&probation.count))
		probation.subjects[at].trial = NULL;
}

void probation_begin(void)
{
	if (probation_pending())
		atomic_store(&probation.until_ns,
			     now_ns() + UINT64_C(1000000000) * PROBATION_SECONDS);
}

uint64_t probation_due(void)
{
	uint64_t until = atomic_load(&probation.until_ns);

	return probation_pending() && until != UINT64_MAX ? until / 1000 + 1 : UINT64_MAX;
}

void probation_end(void)
{
	if (atomic_load(&probation.count))
		mark(false);
}
