/* SPDX-License-Identifier: MIT */
/*
 * No blocking call may notice a stop: the calls that servers sleep in, and those that a plain
 * ptrace stop makes return EINTR. Without the restart cure ten of them say so. Others:
 * blocking_more_test.c.
 */
#include "blocking.h"

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

/* ---- ways to sleep -------------------------------------------------------------------------- */

static long sleep_read(struct sleeper *s)
{
	char c;

	return answer(read(s->fds[0], &c, 1));
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

static long sleep_nanosleep(struct sleeper *s)
{
	struct timespec limit = {1, 500000000}, start, end;
	long rc;

	(void)s;
	clock_gettime(CLOCK_MONOTONIC, &start);
	rc = answer(nanosleep(&limit, NULL));
	clock_gettime(CLOCK_MONOTONIC, &end);
	/* Never early. */
	if (end.tv_sec * 1000 + end.tv_nsec / 1000000 - start.tv_sec * 1000 -
		    start.tv_nsec / 1000000 <
	    1499)
		return -1000;
	return rc;
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

#endif

/* ---- the table ------------------------------------------------------------------------------ */

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
	SLEEPER("io_uring_enter", sleep_io_uring, wake_by_handler, -EINTR, NONE),
#endif
};

enum { SLEEPERS = sizeof(sleepers) / sizeof(sleepers[0]) };

static void no_call_returns_early(void **state)
{
	(void)state;
	blocking_run(sleepers, SLEEPERS);
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
