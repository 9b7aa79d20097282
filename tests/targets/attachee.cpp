/*
 * A program that nobody prepared, and that notices what an attach might do to it. Its threads wait
 * (each in another way) or churn (allocate, load libraries, throw); whatever returns early, late,
 * with a wrong errno or changed registers is counted.
 *
 *   target-attachee MODE   registers: main waits in read() with known registers, for lines
 *                          waits: threads in all kinds of waits; main reads lines
 *                          churn: threads that never sleep long in the same place; main reads lines
 *                          storm: the same, and nobody waits for lines either
 *                          signals: each thread has a timer whose handler interrupts its waits
 *                          spin: main computes and never sleeps, until SIGTERM
 *                          vectors: the same with known values in all registers, until SIGUSR1
 *                          handler: main waits inside a signal handler, for ever
 *                          locked: main waits for a lock that is never released
 *
 * Line "check" is answered "N": how many complaints. "call" is answered with work(7).
 */
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <stdexcept>

#include <dlfcn.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <time.h>
#include <unistd.h>

extern "C" int read_with_registers(int fd, void *to);
extern "C" int vectors_hold(const volatile int *until, int avx512);
extern "C" int registers_avx;
int registers_avx;

static std::atomic<int> complaints;
static volatile int enough;
static int never[2]; /* a pipe that nothing comes through */

static void complain(const char *what)
{
	std::fprintf(stderr, "complaint: %s (%s)\n", what, std::strerror(errno));
	complaints++;
}

extern "C" __attribute__((noinline)) int work(int n)
{
	return n * 3 + 1;
}

/* ---- waits: none of these may come back ---- */

static void *wait_epoll(void *)
{
	int fd = epoll_create1(0);
	epoll_event event = {};

	epoll_ctl(fd, EPOLL_CTL_ADD, never[0], &event);
	epoll_wait(fd, &event, 1, -1);
	complain("epoll_wait came back");
	return nullptr;
}

static void *wait_select(void *)
{
	fd_set set;

	FD_ZERO(&set);
	FD_SET(never[0], &set);
	select(never[0] + 1, &set, nullptr, nullptr, nullptr);
	complain("select came back");
	return nullptr;
}

static void *wait_condition(void *)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;

	pthread_mutex_lock(&lock);
	pthread_cond_wait(&condition, &lock);
	complain("pthread_cond_wait came back");
	return nullptr;
}

static void *wait_signal(void *)
{
	sigset_t set;
	int got;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	pthread_sigmask(SIG_BLOCK, &set, nullptr);
	if (sigwait(&set, &got))
		complain("sigwait came back");
	return nullptr;
}

static void *wait_sleep(void *)
{
	timespec day = {86400, 0};

	if (nanosleep(&day, nullptr))
		complain("nanosleep came back");
	return nullptr;
}

/* With signals that arrive meanwhile, and a mask of its own for the time of the wait. */
static void *wait_suspended(void *)
{
	sigset_t all_but, own;

	sigfillset(&all_but);
	sigdelset(&all_but, SIGUSR2);
	sigemptyset(&own);
	sigaddset(&own, SIGUSR1);
	pthread_sigmask(SIG_SETMASK, &own, nullptr);
	sigsuspend(&all_but);
	complain("sigsuspend came back");
	return nullptr;
}

/* ---- churn ---- */

static void *churn_memory(void *)
{
	for (unsigned i = 1;; i++) {
		void *p = std::malloc(i % 70000), *q = std::malloc(i % 300);

		std::free(p);
		std::free(q);
		if (i % 4096 == 0)
			usleep(100);
	}
}

static void *churn_libraries(void *)
{
	for (;;) {
		void *handle = dlopen("libanl.so.1", RTLD_NOW);

		if (!handle)
			handle = dlopen("libutil.so.1", RTLD_NOW);
		if (!handle)
			complain("dlopen failed");
		else
			dlclose(handle);
		usleep(50);
	}
}

static int throw_deep(int depth)
{
	if (depth == 0)
		throw std::runtime_error("deep");
	return throw_deep(depth - 1) + work(depth);
}

static void *churn_exceptions(void *)
{
	for (unsigned i = 0;; i++) {
		try {
			throw_deep(20);
			complain("no exception");
		} catch (const std::runtime_error &error) {
			if (std::strcmp(error.what(), "deep") != 0)
				complain("another exception");
		}
		if (i % 64 == 0)
			usleep(20);
	}
}

static void *short_life(void *)
{
	return std::calloc(1, 100);
}

static void *churn_threads(void *)
{
	for (;;) {
		pthread_t thread;
		void *result;

		if (pthread_create(&thread, nullptr, short_life, nullptr)) {
			complain("pthread_create failed");
			continue;
		}
		pthread_join(thread, &result);
		std::free(result);
	}
}

/* errno, a mask, and poll's timeout: all as without us. */
static void *churn_waits(void *)
{
	for (;;) {
		sigset_t set;

		errno = 77;
		if (poll(nullptr, 0, 3) != 0 || errno != 77)
			complain("poll");
		pthread_sigmask(SIG_SETMASK, nullptr, &set);
		if (sigismember(&set, SIGUSR1) || sigismember(&set, SIGALRM))
			complain("the signal mask");
	}
}

/* Ends while somebody looks at it, if need be. */
static void *mayfly(void *)
{
	usleep(100);
	return nullptr;
}

static void *churn_mayflies(void *)
{
	pthread_attr_t detached;

	pthread_attr_init(&detached);
	pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
	for (;;) {
		pthread_t thread;

		if (pthread_create(&thread, &detached, mayfly, nullptr))
			complain("no mayfly");
		usleep(150);
	}
}

/* ---- signals: EINTR is the answer to one, and to nothing else ---- */

static thread_local volatile sig_atomic_t taken;

static void on_timer(int)
{
	int kept = errno;

	for (volatile int i = 0; i < 2000; i = i + 1)
		;
	taken = taken + 1;
	errno = kept;
}

/* SIGRTMIN for this thread, every few milliseconds. */
static void begin_timer()
{
	sigevent event = {};
	itimerspec often = {{0, 3000000}, {0, 3000000}};
	timer_t timer;

	event.sigev_notify = SIGEV_THREAD_ID;
	event.sigev_signo = SIGRTMIN;
	event._sigev_un._tid = gettid();
	if (timer_create(CLOCK_MONOTONIC, &event, &timer) ||
	    timer_settime(timer, 0, &often, nullptr))
		complain("no timer");
}

static void *interrupted(void *kind)
{
	int epoll = epoll_create1(0), got = 0;
	pollfd one = {never[0], POLLIN, 0};
	timespec day = {86400, 0};
	epoll_event event = {};
	char c;

	begin_timer();
	for (;;) {
		sig_atomic_t before = taken;

		errno = 77;
		switch (reinterpret_cast<long>(kind)) {
		case 0:
			got = poll(&one, 1, -1);
			break;
		case 1:
			got = epoll_wait(epoll, &event, 1, -1);
			break;
		case 2:
			got = nanosleep(&day, nullptr);
			break;
		default:
			got = static_cast<int>(read(never[0], &c, 1));
		}
		if (got != -1 || errno != EINTR)
			complain("a wait came back");
		else if (taken == before)
			complain("EINTR without a signal");
	}
}

static void begin_signals()
{
	struct sigaction action = {};

	action.sa_handler = on_timer; /* without SA_RESTART */
	sigaction(SIGRTMIN, &action, nullptr);
	for (long kind = 0; kind < 4; kind++) {
		pthread_t thread;

		if (pthread_create(&thread, nullptr, interrupted, reinterpret_cast<void *>(kind)))
			complain("no thread");
	}
	sigset_t theirs;

	sigemptyset(&theirs);
	sigaddset(&theirs, SIGRTMIN);
	pthread_sigmask(SIG_BLOCK, &theirs, nullptr);
}

static void start(void *(*function)(void *))
{
	pthread_t thread;

	if (pthread_create(&thread, nullptr, function, nullptr))
		complain("no thread");
}

static void on_alarm(int)
{
	pause();
}

/* Kept beside the registers while it waits. */
struct kept {
	int number = 4242;
	sigset_t mask;

	kept()
	{
		sigset_t own;

		sigemptyset(&own);
		sigaddset(&own, SIGUSR2);
		sigaddset(&own, SIGRTMIN + 3);
		pthread_sigmask(SIG_SETMASK, &own, nullptr);
		pthread_sigmask(SIG_SETMASK, nullptr, &mask);
		errno = number;
	}
	void compare()
	{
		sigset_t now;

		if (errno != number)
			complain("errno changed");
		pthread_sigmask(SIG_SETMASK, nullptr, &now);
		if (std::memcmp(&now, &mask, 128 / 8) != 0)
			complain("the signal mask changed");
		errno = number;
	}
};

static void read_lines(bool registers)
{
	kept before;
	char line[64];

	for (size_t have = 0; have < sizeof(line);) {
		char c;

		if (registers ? read_with_registers(0, &c) != 0 : read(0, &c, 1) != 1) {
			if (registers)
				std::printf("registers changed\n");
			else if (errno == EAGAIN)
				continue;
			return;
		}
		if (registers)
			before.compare();
		if (c != '\n') {
			line[have++] = c;
			continue;
		}
		line[have] = '\0';
		have = 0;
		if (std::strcmp(line, "end") == 0)
			return;
		std::printf("%d\n", std::strcmp(line, "call") == 0 ? work(7) : complaints.load());
		std::fflush(stdout);
	}
}

static void spin()
{
	volatile unsigned long value = 1;

	for (;;)
		value = value * 33 + static_cast<unsigned long>(work(static_cast<int>(value)));
}

int main(int argc, char **argv)
{
	const char *mode = argc > 1 ? argv[1] : "registers";

	registers_avx = __builtin_cpu_supports("avx2") != 0;
	if (pipe(never))
		return 1;
	if (std::strcmp(mode, "waits") == 0) {
		for (auto function : {wait_epoll, wait_select, wait_condition, wait_signal,
				      wait_sleep, wait_suspended, churn_waits})
			start(function);
	} else if (std::strcmp(mode, "churn") == 0 || std::strcmp(mode, "storm") == 0) {
		if (mode[0] == 's')
			fcntl(0, F_SETFL, O_NONBLOCK);
		for (auto function : {churn_memory, churn_memory, churn_libraries,
				      churn_exceptions, churn_threads, churn_mayflies,
				      churn_waits})
			start(function);
	} else if (std::strcmp(mode, "signals") == 0) {
		begin_signals();
		start(churn_mayflies);
	} else if (std::strcmp(mode, "vectors") == 0) {
		std::signal(SIGUSR1, [](int) { enough = 1; });
		if (!registers_avx)
			return 77;
		if (vectors_hold(&enough, __builtin_cpu_supports("avx512bw") != 0))
			complain("registers changed");
		return complaints != 0;
	} else if (std::strcmp(mode, "spin") == 0) {
		spin();
	} else if (std::strcmp(mode, "handler") == 0) {
		std::signal(SIGALRM, on_alarm);
		raise(SIGALRM);
	} else if (std::strcmp(mode, "locked") == 0) {
		pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

		pthread_mutex_lock(&lock);
		pthread_mutex_lock(&lock);
	}
	read_lines(std::strcmp(mode, "registers") == 0);
	return complaints != 0;
}
