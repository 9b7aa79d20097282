/* SPDX-License-Identifier: MIT */
/* Blocking calls beside those of blocking_test.c: whatever else a server's thread may sleep in. */
#include "blocking.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <mqueue.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <sys/sendfile.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

static long read_and_close(int fd, size_t size)
{
	char buffer[128];
	long rc = answer(read(fd, buffer, size));

	close(fd);
	return rc;
}

static long sleep_eventfd(struct sleeper *s)
{
	s->fds[0] = eventfd(0, EFD_CLOEXEC);
	return read_and_close(s->fds[0], 8);
}

static void wake_eventfd(struct sleeper *s)
{
	eventfd_write(s->fds[0], 1);
}

static long sleep_timerfd(struct sleeper *s)
{
	struct itimerspec time = {.it_value = {1, 500000000}};
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);

	(void)s;
	timerfd_settime(fd, 0, &time, NULL);
	return read_and_close(fd, 8);
}

static long sleep_signalfd(struct sleeper *s)
{
	sigset_t set;

	(void)s;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	return read_and_close(signalfd(-1, &set, SFD_CLOEXEC), 128);
}

static long sleep_inotify(struct sleeper *s)
{
	char path[32];
	int fd = inotify_init1(IN_CLOEXEC);

	snprintf(path, sizeof(path), "/proc/self/fd/%d", s->fds[1]);
	inotify_add_watch(fd, path, IN_MODIFY);
	return read_and_close(fd, 128);
}

static long sleep_tty(struct sleeper *s)
{
	struct termios mode;
	int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC), slave;

	if (master < 0 || grantpt(master) || unlockpt(master)) {
		s->unavailable = true;
		return s->expected;
	}
	slave = open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC);
	tcgetattr(slave, &mode);
	cfmakeraw(&mode);
	tcsetattr(slave, TCSANOW, &mode);
	s->fds[1] = master;
	return read_and_close(slave, 1);
}

static long sleep_pselect(struct sleeper *s)
{
	struct timespec limit = {100, 0};
	sigset_t mask;
	fd_set set;

	sigemptyset(&mask);
	sigaddset(&mask, SIGUSR1);
	FD_ZERO(&set);
	FD_SET(s->fds[0], &set);
	return answer(pselect(s->fds[0] + 1, &set, NULL, NULL, &limit, &mask));
}

static long sleep_epoll_pwait2(struct sleeper *s)
{
#ifdef SYS_epoll_pwait2
	struct epoll_event event = {.events = EPOLLIN};
	struct timespec limit = {100, 0};
	int fd = epoll_create1(EPOLL_CLOEXEC);
	long rc;

	epoll_ctl(fd, EPOLL_CTL_ADD, s->fds[0], &event);
	rc = answer(syscall(SYS_epoll_pwait2, fd, &event, 1, &limit, NULL, 8));
	close(fd);
	return rc;
#else
	s->unavailable = true;
	return s->expected;
#endif
}

static long sleep_futex_waitv(struct sleeper *s)
{
#ifdef SYS_futex_waitv
	struct {
		uint64_t value, address;
		uint32_t flags, reserved;
	} wait = {.address = (uintptr_t)&s->word, .flags = 2 | FUTEX_PRIVATE_FLAG};

	return answer(syscall(SYS_futex_waitv, &wait, 1, 0, NULL, 0));
#else
	s->unavailable = true;
	return s->expected;
#endif
}

static pid_t main_tid;

static long sleep_futex_pi(struct sleeper *s)
{
	s->fds[0] = main_tid; /* who holds it, as the kernel sees it in the word */
	return answer(syscall(SYS_futex, &s->fds[0], FUTEX_LOCK_PI_PRIVATE, 0, NULL, NULL, 0));
}

static void wake_futex_pi(struct sleeper *s)
{
	syscall(SYS_futex, &s->fds[0], FUTEX_UNLOCK_PI_PRIVATE, 0, NULL, NULL, 0);
}

static long sleep_clock_nanosleep(struct sleeper *s)
{
	struct timespec until;

	(void)s;
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += 2;
	return -clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
}

static long sleep_pause(struct sleeper *s)
{
	(void)s;
	return answer(pause());
}

static long sleep_sigsuspend(struct sleeper *s)
{
	sigset_t mask;

	(void)s;
	sigemptyset(&mask);
	sigaddset(&mask, SIGUSR1);
	return answer(sigsuspend(&mask));
}

static long sleep_io_getevents(struct sleeper *s)
{
	unsigned long context = 0;
	char event[64];
	long rc;

	if (syscall(SYS_io_setup, 1, &context)) {
		s->unavailable = true;
		return s->expected;
	}
	rc = answer(syscall(SYS_io_getevents, context, 1, 1, event, NULL));
	syscall(SYS_io_destroy, context);
	return rc;
}

static long sleep_recvmmsg(struct sleeper *s)
{
	char c;
	struct iovec piece = {&c, 1};
	struct mmsghdr message = {.msg_hdr = {.msg_iov = &piece, .msg_iovlen = 1}};

	return answer(recvmmsg(s->fds[0], &message, 1, 0, NULL));
}

static long sleep_splice(struct sleeper *s)
{
	int out[2];
	long rc;

	if (pipe(out))
		abort();
	rc = answer(splice(s->fds[0], NULL, out[1], NULL, 1, 0));
	close(out[0]);
	close(out[1]);
	return rc;
}

static long sleep_write(struct sleeper *s)
{
	blocking_fill(s->fds[1]);
	return answer(write(s->fds[1], "x", 1));
}

static long sleep_sendfile(struct sleeper *s)
{
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	long rc;

	blocking_fill(s->fds[1]);
	rc = answer(sendfile(s->fds[1], fd, NULL, 16));
	close(fd);
	return rc;
}

static long sleep_send(struct sleeper *s)
{
	blocking_fill(s->fds[1]);
	return answer(send(s->fds[1], "x", 1, 0));
}

static long sleep_open_fifo(struct sleeper *s)
{
	return blocking_open_fifo(s, O_RDONLY);
}

static void wake_open_fifo(struct sleeper *s)
{
	blocking_open_other_end(s, O_WRONLY);
}

/* Another open file description has the lock, whoever holds it. */
static long sleep_fcntl(struct sleeper *s)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1};
	int fd = memfd_create("lock", 0), other;
	char path[32];
	long rc;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	other = open(path, O_RDWR | O_CLOEXEC);
	if (fcntl(other, F_OFD_SETLK, &lock))
		abort();
	s->fds[1] = other;
	rc = answer(fcntl(fd, F_OFD_SETLKW, &lock));
	close(fd);
	return rc;
}

static void wake_fcntl(struct sleeper *s)
{
	close(s->fds[1]);
}

static long sleep_mq_receive(struct sleeper *s)
{
	struct mq_attr attr = {.mq_maxmsg = 1, .mq_msgsize = 8};
	char name[32], text[8];
	mqd_t queue;
	long rc;

	snprintf(name, sizeof(name), "/suture-%d-%d", (int)getpid(), (int)fixture_gettid());
	queue = mq_open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0600, &attr);
	if (queue == (mqd_t)-1) {
		s->unavailable = true;
		return s->expected;
	}
	mq_unlink(name);
	s->word = queue;
	rc = answer(mq_receive(queue, text, sizeof(text), NULL));
	mq_close(queue);
	return rc;
}

static void wake_mq(struct sleeper *s)
{
	if (!s->unavailable)
		mq_send(s->word, "x", 1, 0);
}

/* A local listener whose queue is full. */
static long sleep_connect(struct sleeper *s)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), first, second;
	socklen_t size;
	long rc;

	snprintf(address.sun_path + 1, sizeof(address.sun_path) - 1, "suture-%d-%d", (int)getpid(),
		 (int)fixture_gettid());
	size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 +
			   strlen(address.sun_path + 1));
	if (bind(listener, (struct sockaddr *)&address, size) || listen(listener, 0))
		abort();
	first = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (connect(first, (struct sockaddr *)&address, size))
		abort();
	s->fds[0] = listener;
	second = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	rc = answer(connect(second, (struct sockaddr *)&address, size));
	close(first);
	close(second);
	return rc;
}

static void wake_connect(struct sleeper *s)
{
	int fd = accept(s->fds[0], NULL, NULL);

	while (!s->returned)
		usleep(1000);
	close(fd);
	close(s->fds[0]);
}

static long sleep_waitid(struct sleeper *s)
{
	siginfo_t info;

	return answer(waitid(P_PID, (id_t)s->word, &info, WEXITED));
}

static struct sleeper sleepers[] = {
	SLEEPER("read eventfd", sleep_eventfd, wake_eventfd, 8, NONE),
	SLEEPER("read timerfd", sleep_timerfd, wake_nothing, 8, NONE),
	SLEEPER("read signalfd", sleep_signalfd, wake_signal, 128, NONE),
	SLEEPER("read inotify", sleep_inotify, wake_write, 16, PIPE),
	SLEEPER("read tty", sleep_tty, wake_write, 1, NONE),
	SLEEPER("pselect", sleep_pselect, wake_write, 1, PIPE),
	SLEEPER("epoll_pwait2", sleep_epoll_pwait2, wake_write, 1, PIPE),
	SLEEPER("futex_waitv", sleep_futex_waitv, wake_futex, 0, NONE),
	SLEEPER("futex with inheritance", sleep_futex_pi, wake_futex_pi, 0, NONE),
	SLEEPER("clock_nanosleep absolute", sleep_clock_nanosleep, wake_nothing, 0, NONE),
	SLEEPER("pause", sleep_pause, wake_by_handler, -EINTR, NONE),
	SLEEPER("sigsuspend", sleep_sigsuspend, wake_by_handler, -EINTR, NONE),
	SLEEPER("io_getevents", sleep_io_getevents, wake_by_handler, -EINTR, NONE),
	SLEEPER("recvmmsg", sleep_recvmmsg, wake_write, 1, SOCKETS),
	SLEEPER("splice", sleep_splice, wake_write, 1, PIPE),
	SLEEPER("write to a full pipe", sleep_write, wake_read, 1, PIPE),
	SLEEPER("sendfile to a full pipe", sleep_sendfile, wake_read, 16, PIPE),
	SLEEPER("send to a full socket", sleep_send, wake_read, 1, SOCKETS),
	SLEEPER("open of a fifo", sleep_open_fifo, wake_open_fifo, 0, NONE),
	SLEEPER("fcntl lock", sleep_fcntl, wake_fcntl, 0, NONE),
	SLEEPER("mq_receive", sleep_mq_receive, wake_mq, 1, NONE),
	SLEEPER("connect", sleep_connect, wake_connect, 0, NONE),
	SLEEPER("waitid", sleep_waitid, wake_child, 0, CHILD),
};

enum { SLEEPERS = sizeof(sleepers) / sizeof(sleepers[0]) };

static void no_call_returns_early(void **state)
{
	(void)state;
	main_tid = fixture_gettid();
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
