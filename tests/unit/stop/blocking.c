/* SPDX-License-Identifier: MIT */
/* See blocking.h. */
#include "blocking.h"

#include <suture/suture.h>

#include <fcntl.h>
#include <linux/futex.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ROUNDS = 20 };

static void fifo_path(const struct sleeper *s, char *path, size_t size)
{
	snprintf(path, size, "/tmp/suture-fifo-%d-%d", (int)getpid(), (int)s->tid);
}

long blocking_open_fifo(struct sleeper *s, int flags)
{
	char path[64];
	int fd;

	fifo_path(s, path, sizeof(path));
	unlink(path);
	if (mkfifo(path, 0600))
		abort();
	fd = open(path, flags | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	close(fd);
	return 0;
}

void blocking_open_other_end(struct sleeper *s, int flags)
{
	char path[64];
	int fd;

	fifo_path(s, path, sizeof(path));
	fd = open(path, flags | O_CLOEXEC);
	while (!s->returned)
		usleep(1000);
	close(fd);
	unlink(path);
}

void wake_write(struct sleeper *s)
{
	if (write(s->fds[1], "x", 1) != 1)
		abort();
}

void blocking_fill(int fd)
{
	char block[4096] = "";

	fcntl(fd, F_SETFL, O_NONBLOCK);
	while (write(fd, block, sizeof(block)) > 0)
		;
	fcntl(fd, F_SETFL, 0);
}

void wake_read(struct sleeper *s)
{
	static char block[1 << 16];

	fcntl(s->fds[0], F_SETFL, O_NONBLOCK);
	while (!s->returned)
		if (read(s->fds[0], block, sizeof(block)) < 0)
			usleep(1000);
}

void wake_futex(struct sleeper *s)
{
	while (!s->returned) {
		syscall(SYS_futex, &s->word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
		usleep(1000);
	}
}

void wake_child(struct sleeper *s)
{
	kill(s->word, SIGKILL);
}

void wake_signal(struct sleeper *s)
{
	pthread_kill(s->thread, SIGUSR1);
}

static void noted(int signal)
{
	(void)signal;
}

/* A real EINTR, as the application would have it. */
void wake_by_handler(struct sleeper *s)
{
	struct sigaction action = {.sa_handler = noted};

	sigaction(SIGUSR2, &action, NULL);
	while (!s->returned) {
		pthread_kill(s->thread, SIGUSR2);
		usleep(2000);
	}
}

void wake_nothing(struct sleeper *s)
{
	(void)s;
}

static void open_fds(struct sleeper *s)
{
	struct sockaddr_storage address = {.ss_family = AF_INET};

	switch (s->kind) {
	case PIPE:
		assert_int_equal(pipe(s->fds), 0);
		break;
	case SOCKETS:
		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, s->fds), 0);
		break;
	case LISTENER:
		s->fds[0] = socket(AF_INET, SOCK_STREAM, 0);
		assert_int_equal(bind(s->fds[0], (struct sockaddr *)&address, 16), 0);
		assert_int_equal(listen(s->fds[0], 1), 0);
		break;
	case LOCK:
		s->fds[0] = open("/proc/self/exe", O_RDONLY);
		assert_int_equal(flock(s->fds[0], LOCK_EX), 0);
		break;
	case CHILD:
		s->word = fork();
		if (s->word == 0) {
			pause();
			_exit(0);
		}
		break;
	default:
		break;
	}
}

static void *sleep_in_call(void *arg)
{
	struct sleeper *s = arg;

	fixture_old();
	s->tid = fixture_gettid();
	s->answer = s->sleep(s);
	s->returned = true;
	return NULL;
}

void blocking_start(struct sleeper *sleepers, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		sleepers[i].tid = 0;
		sleepers[i].returned = false;
		open_fds(&sleepers[i]);
	}
	for (size_t i = 0; i < count; i++) {
		pthread_create(&sleepers[i].thread, NULL, sleep_in_call, &sleepers[i]);
		while (!sleepers[i].tid)
			usleep(100);
	}
	for (size_t i = 0; i < count; i++)
		if (!sleepers[i].returned)
			fixture_wait_asleep(sleepers[i].tid);
}

static atomic_bool ticking;

/* Somebody has to take part in safe points; the sleepers don't. */
static void *tick(void *arg)
{
	while (ticking) {
		suture_safepoint();
		usleep(200);
	}
	return arg;
}

/* With a gate sleepers are left asleep at a safe point; without one they are stopped. */
static void stop_often(struct fixture *fixture)
{
	bool gathers = fixture->request.rung == STOP_RUNG_SAFEPOINT;

	for (unsigned round = 0; round < ROUNDS; round++) {
		fixture->commit.gate_possible = !gathers || round % 2;
		assert_int_equal(fixture_apply(fixture), 0);
		assert_int_equal(fixture_revert(fixture), 0);
	}
}

static void run_on(enum stop_rung rung, struct sleeper *sleepers, size_t count, size_t column)
{
	struct fixture fixture;
	pthread_t ticker;

	fixture_init(&fixture, rung);
	fixture.request.timeout_ns = UINT64_C(30000000000);
	blocking_start(sleepers, count);
	ticking = true;
	pthread_create(&ticker, NULL, tick, NULL);
	while (!safepoint_members())
		usleep(100);
	stop_often(&fixture);
	ticking = false;
	pthread_join(ticker, NULL);
	for (size_t i = 0; i < count; i++) {
		struct sleeper *s = &sleepers[i];

		if (s->returned && !s->unavailable && s->wake != wake_nothing)
			fail_msg("%s returned early: %ld", s->name, s->answer);
	}
	for (size_t i = 0; i < count; i++) {
		sleepers[i].wake(&sleepers[i]);
		pthread_join(sleepers[i].thread, NULL);
		sleepers[i].result[column] = sleepers[i].answer;
	}
	fixture_fini(&fixture);
}

void blocking_run(struct sleeper *sleepers, size_t count)
{
	static const enum stop_rung rungs[BLOCKING_RUNGS] = {STOP_RUNG_LAZY, STOP_RUNG_FULL,
							     STOP_RUNG_SAFEPOINT};
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	for (size_t i = 0; i < BLOCKING_RUNGS; i++)
		run_on(rungs[i], sleepers, count, i);
	print_message("  %-26s %8s %8s %8s %10s\n", "returned", "expected", "lazy", "full",
		      "safe point");
	for (size_t i = 0; i < count; i++)
		print_message("  %-26s %8ld %8ld %8ld %10ld%s\n", sleepers[i].name,
			      sleepers[i].expected, sleepers[i].result[0], sleepers[i].result[1],
			      sleepers[i].result[2],
			      sleepers[i].unavailable ? " (not available here)" : "");
	for (size_t i = 0; i < count; i++)
		for (size_t j = 0; j < BLOCKING_RUNGS; j++)
			assert_int_equal(sleepers[i].result[j], sleepers[i].expected);
}
