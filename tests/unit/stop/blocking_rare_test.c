/* SPDX-License-Identifier: MIT */
/*
 * Blocking calls beside those of blocking_test.c and blocking_more_test.c: what else signal(7)
 * lists, calls with a timeout of their socket, and faults that userfaultfd serves.
 */
#include "blocking.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <linux/userfaultfd.h>
#include <mqueue.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

enum { PAGE = 4096 };

/* ---- pipes ---------------------------------------------------------------------------------- */

static char byte[2];
static struct iovec piece = {byte, 1};

static long sleep_readv(struct sleeper *s)
{
	return answer(readv(s->fds[0], &piece, 1));
}

static long sleep_writev(struct sleeper *s)
{
	blocking_fill(s->fds[1]);
	return answer(writev(s->fds[1], &piece, 1));
}

static long sleep_vmsplice(struct sleeper *s)
{
	blocking_fill(s->fds[1]);
	return answer(vmsplice(s->fds[1], &piece, 1, 0));
}

static long sleep_tee(struct sleeper *s)
{
	int out[2];
	long rc;

	if (pipe(out))
		abort();
	rc = answer(tee(s->fds[0], out[1], 1, 0));
	close(out[0]);
	close(out[1]);
	return rc;
}

static long sleep_open_to_write(struct sleeper *s)
{
	return blocking_open_fifo(s, O_WRONLY);
}

static void wake_open_to_write(struct sleeper *s)
{
	blocking_open_other_end(s, O_RDONLY);
}

/* A terminal that is told to hold its output. */
static long sleep_write_tty(struct sleeper *s)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	long rc;

	if (master < 0 || grantpt(master) || unlockpt(master)) {
		s->unavailable = true;
		return s->expected;
	}
	s->fds[1] = open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC);
	tcflow(s->fds[1], TCOOFF);
	rc = answer(write(s->fds[1], "x", 1));
	close(master);
	return rc;
}

static void wake_write_tty(struct sleeper *s)
{
	tcflow(s->fds[1], TCOON);
}

/* ---- sockets with timeouts ------------------------------------------------------------------ */

static const struct timeval limit = {100, 0};

static long sleep_read_timeout(struct sleeper *s)
{
	setsockopt(s->fds[0], SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	return answer(read(s->fds[0], byte + 1, 1));
}

static long sleep_send_timeout(struct sleeper *s)
{
	blocking_fill(s->fds[1]);
	setsockopt(s->fds[1], SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	return answer(send(s->fds[1], "x", 1, 0));
}

static long sleep_sendmsg(struct sleeper *s)
{
	struct msghdr message = {.msg_iov = &piece, .msg_iovlen = 1};

	blocking_fill(s->fds[1]);
	setsockopt(s->fds[1], SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	return answer(sendmsg(s->fds[1], &message, 0));
}

static long sleep_sendmmsg(struct sleeper *s)
{
	struct mmsghdr message = {.msg_hdr = {.msg_iov = &piece, .msg_iovlen = 1}};

	blocking_fill(s->fds[1]);
	return answer(sendmmsg(s->fds[1], &message, 1, 0));
}

static long sleep_recvmmsg_timeout(struct sleeper *s)
{
	struct timespec until = {100, 0};
	struct iovec into = {byte + 1, 1};
	struct mmsghdr message = {.msg_hdr = {.msg_iov = &into, .msg_iovlen = 1}};

	return answer(recvmmsg(s->fds[0], &message, 1, 0, &until));
}

static long sleep_accept(struct sleeper *s)
{
	int fd;

	setsockopt(s->fds[0], SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	fd = accept4(s->fds[0], NULL, NULL, SOCK_CLOEXEC);
	if (fd < 0)
		return -errno;
	close(fd);
	return 0;
}

static int connect_to(int listener, bool nonblocking, bool timeout, long *rc)
{
	struct sockaddr_in address;
	socklen_t size = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | (nonblocking ? SOCK_NONBLOCK : 0), 0);

	getsockname(listener, (struct sockaddr *)&address, &size);
	if (timeout)
		setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	*rc = answer(connect(fd, (struct sockaddr *)&address, size));
	return fd;
}

static void wake_accept(struct sleeper *s)
{
	long rc;

	close(connect_to(s->fds[0], false, false, &rc));
}

/* The listener's queue (of two) is full: it answers when there is room, at the next try. */
static long connect_to_full(struct sleeper *s, bool timeout)
{
	long rc;

	for (int i = 0; i < 2; i++)
		connect_to(s->fds[0], true, false, &rc);
	close(connect_to(s->fds[0], false, timeout, &rc));
	return rc;
}

static long sleep_connect(struct sleeper *s)
{
	return connect_to_full(s, false);
}

static long sleep_connect_timeout(struct sleeper *s)
{
	return connect_to_full(s, true);
}

static void wake_connect(struct sleeper *s)
{
	for (int i = 0; i < 2; i++)
		close(accept(s->fds[0], NULL, NULL));
	while (!s->returned)
		usleep(1000);
}

/* ---- queues and locks ----------------------------------------------------------------------- */

static long sleep_msgsnd(struct sleeper *s)
{
	struct {
		long type;
		char text[4096];
	} message = {.type = 1};

	s->word = msgget(IPC_PRIVATE, 0600);
	while (!msgsnd(s->word, &message, sizeof(message.text), IPC_NOWAIT))
		;
	return answer(msgsnd(s->word, &message, sizeof(message.text), 0));
}

static void wake_msgsnd(struct sleeper *s)
{
	static struct {
		long type;
		char text[4096];
	} message;

	msgrcv(s->word, &message, sizeof(message.text), 0, 0);
	while (!s->returned)
		usleep(1000);
	msgctl(s->word, IPC_RMID, NULL);
}

static mqd_t open_queue(struct sleeper *s)
{
	struct mq_attr attr = {.mq_maxmsg = 1, .mq_msgsize = 8};
	char name[48];
	mqd_t queue;

	snprintf(name, sizeof(name), "/suture-r-%d-%d", (int)getpid(), (int)fixture_gettid());
	queue = mq_open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0600, &attr);
	s->unavailable = queue == (mqd_t)-1;
	mq_unlink(name);
	s->word = queue;
	return queue;
}

static void in_a_while(struct timespec *until)
{
	clock_gettime(CLOCK_REALTIME, until);
	until->tv_sec += 100;
}

static long sleep_mq_timedreceive(struct sleeper *s)
{
	struct timespec until;
	char text[8];

	in_a_while(&until);
	open_queue(s);
	return s->unavailable ? s->expected
			      : answer(mq_timedreceive(s->word, text, sizeof(text), NULL, &until));
}

static void wake_mq_receive(struct sleeper *s)
{
	if (!s->unavailable)
		mq_send(s->word, "x", 1, 0);
}

static long sleep_mq_timedsend(struct sleeper *s)
{
	struct timespec until;

	in_a_while(&until);
	open_queue(s);
	if (s->unavailable)
		return s->expected;
	mq_send(s->word, "x", 1, 0);
	return answer(mq_timedsend(s->word, "y", 1, 0, &until));
}

static void wake_mq_send(struct sleeper *s)
{
	char text[8];

	if (!s->unavailable)
		mq_receive(s->word, text, sizeof(text), NULL);
}

/* Locks of a process: another one has it, until it ends. */
static long sleep_setlkw(struct sleeper *s)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1};
	int fd = memfd_create("lock", 0), told[2];
	long rc;

	if (pipe(told))
		abort();
	s->word = fork();
	if (s->word == 0) {
		fcntl(fd, F_SETLK, &lock);
		(void)!write(told[1], "", 1);
		pause();
		_exit(0);
	}
	(void)!read(told[0], byte + 1, 1);
	rc = answer(fcntl(fd, F_SETLKW, &lock));
	waitpid(s->word, NULL, 0);
	close(fd);
	close(told[0]);
	close(told[1]);
	return rc;
}

static long sleep_futex_bitset(struct sleeper *s)
{
	struct timespec until;

	in_a_while(&until);
	return answer(syscall(SYS_futex, &s->word, FUTEX_WAIT_BITSET_PRIVATE | FUTEX_CLOCK_REALTIME,
			      0, &until, NULL, FUTEX_BITSET_MATCH_ANY));
}

static long sleep_io_pgetevents(struct sleeper *s)
{
	unsigned long context = 0;
	char event[64];
	long rc;

	if (syscall(SYS_io_setup, 1, &context)) {
		s->unavailable = true;
		return s->expected;
	}
	rc = answer(syscall(SYS_io_pgetevents, context, 1, 1, event, NULL, NULL));
	syscall(SYS_io_destroy, context);
	return rc;
}

/* ---- userfaultfd ---------------------------------------------------------------------------- */

/* A page whose first touch waits for us: fds[0] is the descriptor, address the page. */
static uint8_t *open_page(struct sleeper *s)
{
	struct uffdio_api api = {.api = UFFD_API};
	struct uffdio_register wanted = {.mode = UFFDIO_REGISTER_MODE_MISSING};
	void *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	s->fds[0] = (int)syscall(SYS_userfaultfd, O_CLOEXEC);
	wanted.range.start = (uintptr_t)page;
	wanted.range.len = PAGE;
	if (s->fds[0] >= 0 && !ioctl(s->fds[0], UFFDIO_API, &api) &&
	    !ioctl(s->fds[0], UFFDIO_REGISTER, &wanted))
		return page;
	s->unavailable = true;
	return NULL;
}

static long sleep_in_fault(struct sleeper *s)
{
	volatile uint8_t *page = open_page(s);

	return page ? page[0] : s->expected;
}

static void serve(const struct sleeper *s, uint64_t address)
{
	struct uffdio_zeropage zero = {.range = {address & ~(uint64_t)(PAGE - 1), PAGE}};

	ioctl(s->fds[0], UFFDIO_ZEROPAGE, &zero);
}

static void serve_next(struct sleeper *s)
{
	struct uffd_msg message;

	if (!s->unavailable && read(s->fds[0], &message, sizeof(message)) == sizeof(message))
		serve(s, message.arg.pagefault.address);
}

static volatile uint8_t *_Atomic watched;

static long sleep_read_faults(struct sleeper *s)
{
	struct uffd_msg message;
	long rc;

	watched = open_page(s);
	if (!watched)
		return s->expected;
	rc = answer(read(s->fds[0], &message, sizeof(message)));
	serve(s, (uintptr_t)watched);
	return rc;
}

static void wake_read_faults(struct sleeper *s)
{
	(void)s;
	if (watched)
		(void)watched[0];
}

/* ---- the table ------------------------------------------------------------------------------ */

static struct sleeper sleepers[] = {
	SLEEPER("readv", sleep_readv, wake_write, 1, PIPE),
	SLEEPER("writev to a full pipe", sleep_writev, wake_read, 1, PIPE),
	SLEEPER("vmsplice to a full pipe", sleep_vmsplice, wake_read, 1, PIPE),
	SLEEPER("tee", sleep_tee, wake_write, 1, PIPE),
	SLEEPER("open of a fifo to write", sleep_open_to_write, wake_open_to_write, 0, NONE),
	SLEEPER("write to a held tty", sleep_write_tty, wake_write_tty, 1, NONE),
	SLEEPER("read with a timeout", sleep_read_timeout, wake_write, 1, SOCKETS),
	SLEEPER("send with a timeout", sleep_send_timeout, wake_read, 1, SOCKETS),
	SLEEPER("sendmsg with a timeout", sleep_sendmsg, wake_read, 1, SOCKETS),
	SLEEPER("sendmmsg", sleep_sendmmsg, wake_read, 1, SOCKETS),
	SLEEPER("recvmmsg with a timeout", sleep_recvmmsg_timeout, wake_write, 1, SOCKETS),
	SLEEPER("accept4 with a timeout", sleep_accept, wake_accept, 0, LISTENER),
	SLEEPER("connect by TCP", sleep_connect, wake_connect, 0, LISTENER),
	SLEEPER("connect with a timeout", sleep_connect_timeout, wake_connect, 0, LISTENER),
	SLEEPER("msgsnd to a full queue", sleep_msgsnd, wake_msgsnd, 0, NONE),
	SLEEPER("mq_timedreceive", sleep_mq_timedreceive, wake_mq_receive, 1, NONE),
	SLEEPER("mq_timedsend", sleep_mq_timedsend, wake_mq_send, 0, NONE),
	SLEEPER("fcntl F_SETLKW", sleep_setlkw, wake_child, 0, NONE),
	SLEEPER("futex until a time", sleep_futex_bitset, wake_futex, 0, NONE),
	SLEEPER("io_pgetevents", sleep_io_pgetevents, wake_by_handler, -EINTR, NONE),
	SLEEPER("fault at userfaultfd", sleep_in_fault, serve_next, 0, NONE),
	SLEEPER("read userfaultfd", sleep_read_faults, wake_read_faults, sizeof(struct uffd_msg),
		NONE),
};

enum { SLEEPERS = sizeof(sleepers) / sizeof(sleepers[0]) };

static void no_call_returns_early(void **state)
{
	(void)state;
	blocking_run(sleepers, SLEEPERS);
}

/* ---- a sleep that nothing interrupts -------------------------------------------------------- */

static long across(struct sleeper *s, bool writes)
{
	uint8_t *page = open_page(s);
	struct iovec here = {byte, 1}, there = {page, 1};

	if (!page)
		return s->expected;
	return answer(writes ? process_vm_writev(getpid(), &here, 1, &there, 1, 0)
			     : process_vm_readv(getpid(), &here, 1, &there, 1, 0));
}

static long sleep_vm_readv(struct sleeper *s)
{
	return across(s, false);
}

static long sleep_vm_writev(struct sleeper *s)
{
	return across(s, true);
}

static struct sleeper uninterruptible[] = {
	SLEEPER("process_vm_readv", sleep_vm_readv, serve_next, 1, NONE),
	SLEEPER("process_vm_writev", sleep_vm_writev, serve_next, 1, NONE),
};

/* Born later: asked to stop as well, and let go before it has. */
static struct sleeper behind[] = {
	SLEEPER("accept4 with a timeout", sleep_accept, wake_accept, 0, LISTENER),
};

/* They are left asleep, or named: a full stop can't have them. Others don't notice that attempt. */
static void who_cannot_be_stopped_is_left_or_named(void **state)
{
	struct fixture fixture;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct sleeper *s = &uninterruptible[i];

		blocking_start(s, 1);
		blocking_start(behind, 1);
		fixture_init(&fixture, STOP_RUNG_LAZY);
		assert_int_equal(fixture_apply(&fixture), 0);
		assert_int_equal(fixture_revert(&fixture), 0);
		fixture.request.rung = STOP_RUNG_FULL;
		fixture.request.timeout_ns = 0;
		if (s->unavailable) {
			print_message("%s: no userfaultfd here\n", s->name);
		} else {
			assert_int_equal(fixture_apply(&fixture), -SUTURE_E_UNSTOPPABLE_THREAD);
			assert_int_equal(fixture.result.blockers[0].tid, s->tid);
			assert_int_equal(fixture.result.blockers[0].reason,
					 STOP_REASON_UNSTOPPABLE);
			/* Not waited for longer than a pause may be. */
			fixture.request.max_pause_ns = 1000000;
			assert_int_equal(fixture_apply(&fixture), -SUTURE_E_PAUSE_BUDGET);
			assert_true(fixture.result.longest_failed_pause_ns >= 1000000);
		}
		assert_false(!s->unavailable && s->returned);
		assert_false(behind->returned);
		behind->wake(behind);
		pthread_join(behind->thread, NULL);
		assert_int_equal(behind->answer, behind->expected);
		s->wake(s);
		pthread_join(s->thread, NULL);
		assert_int_equal(s->answer, s->expected);
		fixture_fini(&fixture);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_call_returns_early),
		cmocka_unit_test(who_cannot_be_stopped_is_left_or_named),
	};

	if (!fixture_can_stop())
		return 77;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
