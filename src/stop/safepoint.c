/* SPDX-License-Identifier: MIT */
/* See safepoint.h. Threads of the application come in by safepoint_visit(), at their own pace. */
#include "stop/safepoint.h"

#include "base/error.h"
#include "stop/session.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>

/* A thread that takes part: its own thread-local, linked while it does. */
struct member {
	struct member *next;
	bool linked;
	bool own; /* the agent's */
	void (*wake)(void *arg);
	void *wake_arg;
	pid_t tid;
	/* Valid while standing: written before it with release, partner of is_standing(). */
	struct arch_regs regs;
	uint64_t since_ns;
	_Atomic unsigned standing; /* the gathering that it stands for; 0: none */
};

/*
 * Guards the list and each member's linked, own, wake. Not taken while threads are stopped, except
 * that it may be held by one: whoever gathers is done with it before.
 */
static pthread_mutex_t members_lock = PTHREAD_MUTEX_INITIALIZER;
static struct member *members;
static size_t member_count; /* without the agent's own */

static _Atomic unsigned no_state; /* until there is one that the application sees */
static _Atomic unsigned *state = &no_state;
/* Grows with each thread that comes or leaves: what a gathering sleeps on. Its release is the
 * partner of wait_for_change()'s acquire. */
static _Atomic unsigned arrivals;

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t exit_key;
static bool has_exit_key;

static __thread struct member self;

enum { FIRST_STATE = 2 /* 0 is what a thread has seen that has seen nothing */ };

/* ---- coming and leaving --------------------------------------------------------------------- */

static void wake_gatherer(void)
{
	atomic_fetch_add_explicit(&arrivals, 1, memory_order_release);
	arch_syscall(SYS_futex, (long)&arrivals, FUTEX_WAKE_PRIVATE, 1, 0, 0, 0);
}

static void unlink_self(void)
{
	for (struct member **link = &members; *link; link = &(*link)->next)
		if (*link == &self) {
			*link = self.next;
			member_count -= !self.own;
			break;
		}
	self.linked = false;
}

static void leave(void)
{
	pthread_mutex_lock(&members_lock);
	if (self.linked)
		unlink_self();
	pthread_mutex_unlock(&members_lock);
	wake_gatherer();
}

/* At a thread's end its thread-locals go. */
static void at_exit_of_thread(void *member)
{
	(void)member;
	leave();
}

/* Of the threads that took part only the one that called fork() is left. */
static void after_fork_in_child(void)
{
	unsigned now = atomic_load_explicit(state, memory_order_relaxed);

	pthread_mutex_init(&members_lock, NULL);
	members = NULL;
	member_count = 0;
	self.linked = false;
	/* Even, and another one: it makes itself known again. */
	atomic_store_explicit(state, (now | 1) + 1, memory_order_relaxed);
}

static void prepare(void)
{
	has_exit_key = pthread_key_create(&exit_key, at_exit_of_thread) == 0;
	pthread_atfork(NULL, NULL, after_fork_in_child);
}

static void join(bool own, void (*wake)(void *arg), void *arg)
{
	pthread_once(&once, prepare);
	/* Without a notice of its end a thread must not be in the list. */
	if (!has_exit_key || pthread_setspecific(exit_key, &self))
		return;
	pthread_mutex_lock(&members_lock);
	if (!self.linked) {
		self.tid = (pid_t)arch_syscall(SYS_gettid, 0, 0, 0, 0, 0, 0);
		self.own = own;
		self.wake = wake;
		self.wake_arg = arg;
		atomic_store_explicit(&self.standing, 0, memory_order_relaxed);
		self.next = members;
		members = &self;
		self.linked = true;
		member_count += !own;
	}
	pthread_mutex_unlock(&members_lock);
}

void safepoint_use_state(_Atomic unsigned *word)
{
	atomic_store_explicit(word, FIRST_STATE, memory_order_relaxed);
	state = word;
}

void safepoint_join_own(void (*wake)(void *arg), void *arg)
{
	join(true, wake, arg);
}

void safepoint_depart(void)
{
	unsigned now;

	if (!self.linked)
		return;
	leave();
	/* What its files have seen must not be the state: its next call joins again. Only the
	 * gatherer makes it odd; a gathering that begins or ends in between changes it as well. */
	now = atomic_load_explicit(state, memory_order_relaxed);
	if (!(now & 1))
		atomic_compare_exchange_strong_explicit(state, &now, now + 2, memory_order_relaxed,
							memory_order_relaxed);
}

/* ---- standing ------------------------------------------------------------------------------- */

/*
 * From the store to `standing` until it is taken back this thread executes nothing but this loop:
 * no handler either, since signals are blocked, all but glibc's 33 (index 32), without which
 * another thread's setuid() would wait for us.
 */
static void stand(unsigned gathering)
{
	uint64_t mask = ~(UINT64_C(1) << 32), before;

	arch_syscall(SYS_rt_sigprocmask, SIG_SETMASK, (long)&mask, (long)&before, sizeof(mask), 0,
		     0);
	arch_regs_here(&self.regs);
	self.since_ns = wait_now_stopped();
	/* Release: partner of is_standing(). */
	atomic_store_explicit(&self.standing, gathering, memory_order_release);
	wake_gatherer();
	/* Acquire: partner of safepoint_release_stopped(): what it wrote is what we execute. */
	while (atomic_load_explicit(state, memory_order_acquire) == gathering)
		arch_syscall(SYS_futex, (long)state, FUTEX_WAIT_PRIVATE, (long)gathering, 0, 0, 0);
	atomic_store_explicit(&self.standing, 0, memory_order_relaxed);
	arch_syscall(SYS_rt_sigprocmask, SIG_SETMASK, (long)&before, 0, sizeof(mask), 0, 0);
}

unsigned safepoint_visit(void)
{
	int kept = errno;
	unsigned now;

	if (!self.linked)
		join(false, NULL, NULL);
	/* Not in the list: it can't stand, it will be stopped like one that takes no part. */
	while (((now = atomic_load_explicit(state, memory_order_acquire)) & 1) && self.linked)
		stand(now);
	errno = kept;
	return now;
}

/* ---- gathering ------------------------------------------------------------------------------ */

size_t safepoint_members(void)
{
	size_t count;

	pthread_mutex_lock(&members_lock);
	count = member_count;
	pthread_mutex_unlock(&members_lock);
	return count;
}

/* Acquire: partner of stand(), whose registers are read next. */
static bool is_standing(const struct member *member, unsigned gathering)
{
	return atomic_load_explicit(&member->standing, memory_order_acquire) == gathering;
}

/* Who has come; absent is one that has not. Under the lock. */
static void count_stands(unsigned number, struct safepoint_gathering *gathering)
{
	gathering->count = gathering->own = 0;
	gathering->absent = 0;
	gathering->since_ns = 0;
	for (const struct member *member = members; member; member = member->next) {
		if (!is_standing(member, number)) {
			gathering->absent = member->tid;
			continue;
		}
		gathering->count++;
		gathering->own += member->own;
		if (!member->own &&
		    (!gathering->since_ns || member->since_ns < gathering->since_ns))
			gathering->since_ns = member->since_ns;
	}
}

/* Under the lock, all standing. */
static int take_stands(struct safepoint_gathering *gathering, struct suture_error *err)
{
	size_t count = 0;

	gathering->stands = calloc(gathering->count + 1, sizeof(*gathering->stands));
	if (!gathering->stands)
		return error_no_memory(err);
	for (const struct member *member = members; member; member = member->next)
		gathering->stands[count++] =
			(struct safepoint_stand){.tid = member->tid, .regs = member->regs};
	return 0;
}

static void wait_for_change(unsigned seen, uint64_t ns)
{
	struct timespec limit = {(time_t)(ns / 1000000000), (long)(ns % 1000000000)};

	if (atomic_load_explicit(&arrivals, memory_order_acquire) == seen)
		arch_syscall(SYS_futex, (long)&arrivals, FUTEX_WAIT_PRIVATE, (long)seen,
			     (long)&limit, 0, 0);
}

static void wake_own(void)
{
	for (const struct member *member = members; member; member = member->next)
		if (member->wake)
			member->wake(member->wake_arg);
}

int safepoint_gather(const struct safepoint_limits *limits, struct safepoint_gathering *gathering,
		     struct suture_error *err)
{
	/* Odd. Others (safepoint_depart) only ever add 2. */
	unsigned number = atomic_fetch_add_explicit(state, 1, memory_order_seq_cst) + 1;
	int rc = 0;

	*gathering = (struct safepoint_gathering){.active = true};
	pthread_mutex_lock(&members_lock);
	wake_own();
	pthread_mutex_unlock(&members_lock);
	for (;;) {
		unsigned seen = atomic_load_explicit(&arrivals, memory_order_acquire);
		uint64_t now, until;

		pthread_mutex_lock(&members_lock);
		count_stands(number, gathering);
		if (!gathering->absent)
			rc = take_stands(gathering, err);
		pthread_mutex_unlock(&members_lock);
		now = wait_now_stopped();
		until = gathering->since_ns ? gathering->since_ns + limits->patience_ns
					    : limits->deadline_ns;
		if (rc || !gathering->absent || now >= until)
			break;
		wait_for_change(seen, until - now);
	}
	if (rc)
		safepoint_release_stopped(gathering);
	return rc;
}

void safepoint_release_stopped(struct safepoint_gathering *gathering)
{
	if (!gathering->active)
		return;
	gathering->active = false;
	/* Release: partner of stand(). Even again. */
	atomic_fetch_add_explicit(state, 1, memory_order_release);
	arch_syscall(SYS_futex, (long)state, FUTEX_WAKE_PRIVATE, INT_MAX, 0, 0, 0);
}

void safepoint_gathering_fini(struct safepoint_gathering *gathering)
{
	free(gathering->stands);
	*gathering = (struct safepoint_gathering){0};
}
