/* SPDX-License-Identifier: MIT */
/*
 * Clients that mean ill, for tests/e2e/hostile.sh.
 *
 *   hostile SOCKET silent N    N connections that say nothing
 *   hostile SOCKET half N      N that send half a request, a byte now and then
 *   hostile SOCKET deaf N      N that ask without end and read no answer
 *   hostile SOCKET again N     N that say nothing, and come again as soon as they are thrown out
 *   hostile SOCKET flood       one line of 100 MB
 *   hostile SOCKET deep        JSON nested 100,000 times
 *   hostile SOCKET churn N     N connections, one after another, each cut off in the middle of a
 * request
 *   hostile SOCKET fds N       N connections, each with ten requests that bring 250 descriptors
 * each
 *
 * Says "ready" when it is at work; those that stay do so until the end of their input. Says what
 * the agent answered, if it was asked anything.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { MOST = 4000, FLOOD = 100 << 20, DEPTH = 100000, STEP_MS = 200, DESCRIPTORS = 250 };

static const char request[] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"status\"}\n";

static int open_one(const char *path)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

/* Is there still somebody at the other end of our input? */
static int wanted(int wait_ms)
{
	struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};

	return poll(&input, 1, wait_ms) <= 0;
}

static void stay(const char *path, int count, const char *mode)
{
	static int fds[MOST];
	int deaf = strcmp(mode, "deaf") == 0, half = strcmp(mode, "half") == 0;

	for (int i = 0; i < count; i++)
		fds[i] = open_one(path);
	printf("ready\n");
	fflush(stdout);
	while (wanted(STEP_MS))
		for (int i = 0; i < count; i++) {
			/* Who was thrown out comes again. */
			if (fds[i] < 0)
				fds[i] = open_one(path);
			else if (half &&
				 send(fds[i], request, 1, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 &&
				 errno != EAGAIN) {
				close(fds[i]);
				fds[i] = -1;
			}
			for (int k = 0; deaf && fds[i] >= 0 && k < 100; k++)
				if (send(fds[i], request, sizeof(request) - 1,
					 MSG_NOSIGNAL | MSG_DONTWAIT) < 0) {
					if (errno != EAGAIN) {
						close(fds[i]);
						fds[i] = -1;
					}
					break;
				}
		}
}

/* Never waits, not even for its turn to connect: N are always there or at the door. */
static void come_again(const char *path, int count)
{
	static struct pollfd fds[MOST + 1];
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	for (int i = 0; i < count; i++)
		fds[i].fd = -1;
	fds[count] = (struct pollfd){.fd = STDIN_FILENO, .events = POLLIN};
	printf("ready\n");
	fflush(stdout);
	while (!fds[count].revents) {
		for (int i = 0; i < count; i++) {
			if (fds[i].fd >= 0 && !fds[i].revents)
				continue;
			if (fds[i].fd >= 0)
				close(fds[i].fd);
			fds[i] = (struct pollfd){.events = POLLIN};
			fds[i].fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
			if (connect(fds[i].fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
				close(fds[i].fd);
				fds[i].fd = -1;
			}
		}
		poll(fds, (nfds_t)count + 1, 1);
	}
}

/* Sends it all, or until it is hung up on; then what was answered. */
static void send_all(const char *path, const char *text, size_t size)
{
	int fd = open_one(path);
	size_t sent = 0;
	char answer[4096];
	ssize_t got;

	printf("ready\n");
	while (fd >= 0 && sent < size) {
		ssize_t put = send(fd, text + sent, size - sent, MSG_NOSIGNAL);

		if (put <= 0)
			break;
		sent += (size_t)put;
	}
	printf("sent %zu of %zu\n", sent, size);
	while (fd >= 0 && (got = recv(fd, answer, sizeof(answer) - 1, 0)) > 0) {
		answer[got] = '\0';
		fputs(answer, stdout);
		if (strchr(answer, '\n'))
			break;
	}
	fflush(stdout);
}

static void churn(const char *path, int count)
{
	printf("ready\n");
	fflush(stdout);
	for (int i = 0; i < count; i++) {
		int fd = open_one(path);

		if (fd < 0)
			continue;
		if (send(fd, request, (size_t)i % sizeof(request), MSG_NOSIGNAL) < 0) {
			/* Hung up on already. */
		}
		close(fd);
	}
}

static ssize_t send_descriptors(int to)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(DESCRIPTORS * sizeof(int))];
	} control;
	struct iovec piece = {.iov_base = (void *)request, .iov_len = sizeof(request) - 1};
	struct msghdr message = {.msg_iov = &piece,
				 .msg_iovlen = 1,
				 .msg_control = control.bytes,
				 .msg_controllen = sizeof(control.bytes)};

	memset(&control, 0, sizeof(control));
	control.header.cmsg_level = SOL_SOCKET;
	control.header.cmsg_type = SCM_RIGHTS;
	control.header.cmsg_len = CMSG_LEN(DESCRIPTORS * sizeof(int));
	for (size_t i = 0; i < DESCRIPTORS; i++)
		memcpy(CMSG_DATA(&control.header) + i * sizeof(int), &to, sizeof(int));
	return sendmsg(to, &message, MSG_NOSIGNAL);
}

static void flood_descriptors(const char *path, int count)
{
	int taken = 0;

	for (int i = 0; i < count; i++) {
		int fd = open_one(path);

		for (int k = 0; fd >= 0 && k < 10; k++)
			taken += send_descriptors(fd) > 0;
		if (fd >= 0)
			close(fd);
	}
	printf("ready, %d sent\n", taken);
	fflush(stdout);
}

int main(int argc, char **argv)
{
	const char *mode = argc > 2 ? argv[2] : "";
	int count = argc > 3 ? atoi(argv[3]) : 1;
	struct rlimit limit = {MOST + 64, MOST + 64};
	size_t size = strcmp(mode, "flood") == 0 ? FLOOD : DEPTH * 2;
	char *text;

	setrlimit(RLIMIT_NOFILE, &limit);
	if (argc < 3 || count < 0 || count > MOST)
		return 2;
	if (strcmp(mode, "silent") == 0 || strcmp(mode, "half") == 0 || strcmp(mode, "deaf") == 0) {
		stay(argv[1], count, mode);
		return 0;
	}
	if (strcmp(mode, "again") == 0) {
		come_again(argv[1], count);
		return 0;
	}
	if (strcmp(mode, "churn") == 0) {
		churn(argv[1], count);
		return 0;
	}
	if (strcmp(mode, "fds") == 0) {
		flood_descriptors(argv[1], count);
		return 0;
	}
	text = malloc(size);
	if (!text)
		return 1;
	memset(text, strcmp(mode, "flood") == 0 ? 'x' : '[', size);
	text[size - 1] = '\n';
	send_all(argv[1], text, size);
	return 0;
}
