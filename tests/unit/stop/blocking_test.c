/* SPDX-License-Identifier: MIT */
/*
 * No blocking call may notice a stop: one thread sleeps in each, fifty full stops and fifty lazy
 * ones happen, then each is woken in its own way and says what its call returned. Without the
 * restart cure ten of them say EINTR.
 */
#include "fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/select.h>
#include <sys/sem.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct sleeper {
	const char *name;
	long (*sleep)(struct sleeper *sleeper); /* what the call returned, or -errno */
	void (*wake)(struct sleeper *sleeper);
	long expected;
	int kind;
	int fds[2];
	int word;
	pthread_t thread;
	_Atomic pid_t tid;
	_Atomic bool returned;
	long result;
	bool unavailable;
};

static long answer(long rc)
{
	return rc < 0 ? -errno : rc;
}

/* ---- ways to sleep -------------------------------------------------------------------------- */

static long sleep_read(struct sleeper *s)
{
	char c;

	return answer(read(s->fds[0], &c, 1));
}

static void wake_write(struct sleeper *s)
{
	if (write(s->fds[1], "x", 1) != 1)
		abort();
}

static long sleep_poll(struct sleeper *s)
{
	struct pollfd fd = {s->fds[0], POLLIN, 0};

	return answer(poll(&fd, 1, 100000));
}

static long sleep_ppoll(struct sleeper *s)
{
	struct pollfd fd = {s->fds[0], POLLIN, 0};
	struct timespec limit = {100, 0};

	return answer(ppoll(&fd, 1, &limit, NULL));
}

static long sleep_select(struct sleeper *s)
{
	struct timeval limit = {100, 0};
	fd_set set;

	FD_ZERO(&set);
	FD_SET(s->fds[0], &set);
	return answer(select(s->fds[0] + 1, &set, NULL, NULL, &limit));
}

static long epoll_on(struct sleeper *s, int timeout, bool with_mask)
{
	struct epoll_event event = {.events = EPOLLIN};
	int fd = epoll_create1(EPOLL_CLOEXEC);
	sigset_t mask;
	long rc;

	sigemptyset(&mask);
	epoll_ctl(fd, EPOLL_CTL_ADD, s->fds[0], &event);
	rc = answer(with_mask ? epoll_pwait(fd, &event, 1, timeout, &mask)
			      : epoll_wait(fd, &event, 1, timeout));
	close(fd);
	return rc;
}

static long sleep_epoll(struct sleeper *s)
{
	return epoll_on(s, 100000, false);
}

static long sleep_epoll_for_ever(struct sleeper *s)
{
	return epoll_on(s, -1, false);
}

static long sleep_epoll_pwait(struct sleeper *s)
{
	return epoll_on(s, 100000, true);
}

static long sleep_recv_timeout(struct sleeper *s)
{
	struct timeval limit = {100, 0};
	char c;

	setsockopt(s->fds[0], SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	return answer(recv(s->fds[0], &c, 1, 0));
}

static long sleep_recv(struct sleeper *s)
{
	char c;

	return answer(recv(s->fds[0], &c, 1, 0));
}

static long sleep_recvmsg(struct sleeper *s)
{
	struct timeval limit = {100, 0};
	char c;
	struct iovec piece = {&c, 1};
	struct msghdr message = {.msg_iov = &piece, .msg_iovlen = 1};

	setsockopt(s->fds[0], SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	return answer(recvmsg(s->fds[0], &message, 0));
}

static long sleep_futex(struct sleeper *s)
{
	return answer(syscall(SYS_futex, &s->word, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0));
}

static long sleep_futex_timeout(struct sleeper *s)
{
	struct timespec limit = {100, 0};

	return answer(syscall(SYS_futex, &s->word, FUTEX_WAIT_PRIVATE, 0, &limit, NULL, 0));
}

static void wake_futex(struct sleeper *s)
{
	while (!s->returned) {
		syscall(SYS_futex, &s->word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
		usleep(1000);
	}
}

static long sleep_nanosleep(struct sleeper *s)
{
	struct timespec limit = {2, 0}, start, end;
	long rc;

	(void)s;
	clock_gettime(CLOCK_MONOTONIC, &start);
	rc = answer(nanosleep(&limit, NULL));
	clock_gettime(CLOCK_MONOTONIC, &end);
	/* Never early. */
	if (end.tv_sec * 1000 + end.tv_nsec / 1000000 - start.tv_sec * 1000 -
		    start.tv_nsec / 1000000 <
	    1999)
		return -1000;
	return rc;
}

static void wake_nothing(struct sleeper *s)
{
	(void)s;
}

static long sleep_sigtimedwait(struct sleeper *s)
{
	struct timespec limit = {100, 0};
	sigset_t set;

	(void)s;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	return answer(sigtimedwait(&set, NULL, &limit));
}

static long sleep_sigwaitinfo(struct sleeper *s)
{
	sigset_t set;

	(void)s;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	return answer(sigwaitinfo(&set, NULL));
}

static void wake_signal(struct sleeper *s)
{
	pthread_kill(s->thread, SIGUSR1);
}

static long sleep_semop(struct sleeper *s)
{
	struct sembuf take = {0, -1, 0};

	s->word = semget(IPC_PRIVATE, 1, 0600);
	return answer(semop(s->word, &take, 1));
}

static long sleep_semtimedop(struct sleeper *s)
{
	struct sembuf take = {0, -1, 0};
	struct timespec limit = {100, 0};

	s->word = semget(IPC_PRIVATE, 1, 0600);
	return answer(semtimedop(s->word, &take, 1, &limit));
}

static void wake_semop(struct sleeper *s)
{
	struct sembuf give = {0, 1, 0};

	semop(s->word, &give, 1);
	while (!s->returned)
		usleep(1000);
	semctl(s->word, 0, IPC_RMID);
}

static long sleep_msgrcv(struct sleeper *s)
{
	struct {
		long type;
		char text[8];
	} message;

	s->word = msgget(IPC_PRIVATE, 0600);
	return answer(msgrcv(s->word, &message, sizeof(message.text), 0, 0));
}

static void wake_msgrcv(struct sleeper *s)
{
	struct {
		long type;
		char text[8];
	} message = {1, "x"};

	msgsnd(s->word, &message, 1, 0);
	while (!s->returned)
		usleep(1000);
	msgctl(s->word, IPC_RMID, NULL);
}

static long sleep_accept(struct sleeper *s)
{
	int fd = accept(s->fds[0], NULL, NULL);

	if (fd >= 0)
		close(fd);
	return fd < 0 ? -errno : 0;
}

static void wake_accept(struct sleeper *s)
{
	struct sockaddr_storage address;
	socklen_t size = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	getsockname(s->fds[0], (struct sockaddr *)&address, &size);
	if (connect(fd, (struct sockaddr *)&address, size))
		abort();
	close(fd);
}

static long sleep_flock(struct sleeper *s)
{
	int fd = open("/proc/self/exe", O_RDONLY);
	long rc = answer(flock(fd, LOCK_EX));

	close(fd);
	(void)s;
	return rc;
}

static void wake_flock(struct sleeper *s)
{
	flock(s->fds[0], LOCK_UN);
}

static long sleep_wait4(struct sleeper *s)
{
	return waitpid(s->word, NULL, 0) == s->word ? 0 : -errno;
}

static void wake_child(struct sleeper *s)
{
	kill(s->word, SIGKILL);
}

#ifdef SYS_io_uring_setup
static long sleep_io_uring(struct sleeper *s)
{
	uint32_t params[30] = {0};
	int fd = (int)syscall(SYS_io_uring_setup, 4, params);
	uint64_t one = 1;
	long rc;

	if (fd < 0) {
		s->unavailable = true;
		return s->expected;
	}
	/* Waits for a completion that never comes; closing is what ends it: by a cancel below. */
	s->fds[1] = fd;
	rc = syscall(SYS_io_uring_enter, fd, 0, 1, 1 /* GETEVENTS */, NULL, 0);
	(void)one;
	return answer(rc);
}

/* Adds a NOP by hand: the queue's layout as params says would be long; a real EINTR ends it too. */
static void noted(int signal)
{
	(void)signal;
}

static void wake_io_uring(struct sleeper *s)
{
	struct sigaction action = {.sa_handler = noted};

	sigaction(SIGUSR2, &action, NULL);
	while (!s->returned) {
		pthread_kill(s->thread, SIGUSR2);
		usleep(2000);
	}
}
#endif

/* ---- the table ------------------------------------------------------------------------------ */

enum { PIPE, SOCKETS, LISTENER, LOCK, CHILD, NONE };

#define SLEEPER(name_, sleep_, wake_, expected_, kind_)                                       \
	{                                                                                     \
		.name = (name_), .sleep = (sleep_), .wake = (wake_), .expected = (expected_), \
		.kind = (kind_)                                                               \
	}

static struct sleeper sleepers[] = {
	SLEEPER("read pipe", sleep_read, wake_write, 1, PIPE),
	SLEEPER("poll", sleep_poll, wake_write, 1, PIPE),
	SLEEPER("ppoll", sleep_ppoll, wake_write, 1, PIPE),
	SLEEPER("select", sleep_select, wake_write, 1, PIPE),
	SLEEPER("epoll_wait", sleep_epoll, wake_write, 1, PIPE),
	SLEEPER("epoll_wait for ever", sleep_epoll_for_ever, wake_write, 1, PIPE),
	SLEEPER("epoll_pwait", sleep_epoll_pwait, wake_write, 1, PIPE),
	SLEEPER("recv", sleep_recv, wake_write, 1, SOCKETS),
	SLEEPER("recv with a timeout", sleep_recv_timeout, wake_write, 1, SOCKETS),
	SLEEPER("recvmsg with a timeout", sleep_recvmsg, wake_write, 1, SOCKETS),
	SLEEPER("futex", sleep_futex, wake_futex, 0, NONE),
	SLEEPER("futex with a timeout", sleep_futex_timeout, wake_futex, 0, NONE),
	SLEEPER("nanosleep", sleep_nanosleep, wake_nothing, 0, NONE),
	SLEEPER("sigtimedwait", sleep_sigtimedwait, wake_signal, SIGUSR1, NONE),
	SLEEPER("sigwaitinfo", sleep_sigwaitinfo, wake_signal, SIGUSR1, NONE),
	SLEEPER("semop", sleep_semop, wake_semop, 0, NONE),
	SLEEPER("semtimedop", sleep_semtimedop, wake_semop, 0, NONE),
	SLEEPER("msgrcv", sleep_msgrcv, wake_msgrcv, 1, NONE),
	SLEEPER("accept", sleep_accept, wake_accept, 0, LISTENER),
	SLEEPER("flock", sleep_flock, wake_flock, 0, LOCK),
	SLEEPER("wait4", sleep_wait4, wake_child, 0, CHILD),
#ifdef SYS_io_uring_setup
	SLEEPER("io_uring_enter", sleep_io_uring, wake_io_uring, -EINTR, NONE),
#endif
};

enum { SLEEPERS = sizeof(sleepers) / sizeof(sleepers[0]) };

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
	s->result = s->sleep(s);
	s->returned = true;
	return NULL;
}

static void no_call_returns_early(void **state)
{
	struct fixture fixture;
	sigset_t set;

	(void)state;
	fixture_init(&fixture, STOP_RUNG_FULL);
	fixture.request.timeout_ns = UINT64_C(30000000000);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	for (size_t i = 0; i < SLEEPERS; i++)
		open_fds(&sleepers[i]);
	for (size_t i = 0; i < SLEEPERS; i++) {
		pthread_create(&sleepers[i].thread, NULL, sleep_in_call, &sleepers[i]);
		while (!sleepers[i].tid)
			usleep(100);
	}
	for (size_t i = 0; i < SLEEPERS; i++)
		if (!sleepers[i].returned)
			fixture_wait_asleep(sleepers[i].tid);
	for (unsigned round = 0; round < 50; round++) {
		fixture.request.rung = round % 2 ? STOP_RUNG_LAZY : STOP_RUNG_FULL;
		assert_int_equal(fixture_apply(&fixture), 0);
		assert_int_equal(fixture_revert(&fixture), 0);
	}
	for (size_t i = 0; i < SLEEPERS; i++) {
		struct sleeper *s = &sleepers[i];
		bool early = s->returned && !s->unavailable && s->wake != wake_nothing;

		if (early)
			print_message("%s returned early: %ld\n", s->name, s->result);
		assert_false(early);
	}
	for (size_t i = 0; i < SLEEPERS; i++) {
		struct sleeper *s = &sleepers[i];

		s->wake(s);
		pthread_join(s->thread, NULL);
		print_message("  %-24s %ld%s\n", s->name, s->result,
			      s->unavailable ? " (not available here)" : "");
		assert_int_equal(s->result, s->expected);
	}
	fixture_fini(&fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_call_returns_early),
	};

	if (!fixture_can_stop())
		return 77;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
