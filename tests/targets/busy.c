/*
 * A thread that sits inside the function that a patch replaces, for as long as the test wants.
 *
 *   enter    the thread "sitter" goes in     → in
 *   spin     the same, and works there all the time
 *   signal   it is in the midst of something else, and a handler goes in
 *   fiber    a coroutine of the main thread goes in, and is suspended there → in, or no agent
 *   leave    whoever is in comes out again   → what it returned
 *   value    calls it without staying        → what it returned
 */
#include <pthread.h>
#include <signal.h>
#include <ucontext.h>

#include "lines.h"
#include <suture/suture.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static bool wanted; /* guarded by lock, like the rest */
static bool inside;
static bool spins, by_signal;
static int result;
static int returned; /* by what a handler called */
static int visits;
static ucontext_t outside, coroutine;
static bool suspends;

static bool is_wanted(void)
{
	bool is;

	pthread_mutex_lock(&lock);
	is = wanted;
	pthread_mutex_unlock(&lock);
	return is;
}

static __attribute__((noinline)) void wait_until_unwanted(void)
{
	if (suspends) {
		swapcontext(&coroutine, &outside);
		return;
	}
	pthread_mutex_lock(&lock);
	inside = true;
	pthread_cond_broadcast(&changed);
	while (wanted && !spins)
		pthread_cond_wait(&changed, &lock);
	pthread_mutex_unlock(&lock);
	while (is_wanted())
		;
	pthread_mutex_lock(&lock);
	inside = false;
	pthread_mutex_unlock(&lock);
}

static __attribute__((noinline)) int sit_inside(bool stay)
{
	if (stay)
		wait_until_unwanted();
	visits++;
	return 1000 + visits;
}

static void handle(int signal)
{
	(void)signal;
	returned = sit_inside(true);
}

static void *sitter(void *arg)
{
	(void)arg;
	pthread_setname_np(pthread_self(), "sitter");
	for (;;) {
		pthread_mutex_lock(&lock);
		while (!wanted)
			pthread_cond_wait(&changed, &lock);
		pthread_mutex_unlock(&lock);

		int value;

		if (by_signal)
			raise(SIGUSR1);
		value = by_signal ? returned : sit_inside(true);
		pthread_mutex_lock(&lock);
		result = value;
		pthread_cond_broadcast(&changed);
		pthread_mutex_unlock(&lock);
	}
	return NULL;
}

static void run_coroutine(void)
{
	result = sit_inside(true);
}

/* 0, or what the agent says. */
static int suspend_inside(void)
{
	static char stack[64 << 10];
	struct suture_fiber fiber = {
		.stack = stack, .stack_size = sizeof(stack), .context = &coroutine};
	int rc = suture_fiber_add ? suture_fiber_add(&fiber) : -1;

	if (rc)
		return rc;
	getcontext(&coroutine);
	coroutine.uc_stack.ss_sp = stack;
	coroutine.uc_stack.ss_size = sizeof(stack);
	coroutine.uc_link = &outside;
	makecontext(&coroutine, run_coroutine, 0);
	suspends = true;
	swapcontext(&outside, &coroutine);
	return 0;
}

static int resume(void)
{
	swapcontext(&outside, &coroutine);
	suspends = false;
	suture_fiber_remove(coroutine.uc_stack.ss_sp);
	return result;
}

static void enter(bool spin, bool in_handler)
{
	pthread_mutex_lock(&lock);
	wanted = true;
	spins = spin;
	by_signal = in_handler;
	result = 0;
	pthread_cond_broadcast(&changed);
	while (!inside)
		pthread_cond_wait(&changed, &lock);
	pthread_mutex_unlock(&lock);
}

static int leave(void)
{
	int value;

	pthread_mutex_lock(&lock);
	wanted = false;
	pthread_cond_broadcast(&changed);
	while (result == 0)
		pthread_cond_wait(&changed, &lock);
	value = result;
	pthread_mutex_unlock(&lock);
	return value;
}

int main(void)
{
	pthread_t thread;
	char line[64];

	signal(SIGUSR1, handle);
	if (pthread_create(&thread, NULL, sitter, NULL))
		return 1;
	while (lines_next(line, sizeof(line))) {
		if (strcmp(line, "enter") == 0 || strcmp(line, "spin") == 0 ||
		    strcmp(line, "signal") == 0) {
			enter(line[1] == 'p', line[1] == 'i');
			lines_answer("in");
		} else if (strcmp(line, "fiber") == 0) {
			lines_answer(suspend_inside() ? "no agent" : "in");
		} else if (strcmp(line, "leave") == 0) {
			lines_answer("%d", suspends ? resume() : leave());
		} else if (strcmp(line, "value") == 0) {
			lines_answer("%d", sit_inside(false));
		} else {
			lines_answer("?");
		}
	}
	return 0;
}
