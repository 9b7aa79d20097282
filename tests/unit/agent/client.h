/* SPDX-License-Identifier: MIT */
/* The bare end of a connection to a server under test: lines out, lines in, and is it still there?
 */
#ifndef TESTS_UNIT_AGENT_CLIENT_H
#define TESTS_UNIT_AGENT_CLIENT_H

#include "../test.h"

#include <poll.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <sys/un.h>

enum { SOON_MS = 60000 }; /* it takes no time, but for a machine on which a thousand others run */

static inline int connect_raw(const char *path)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

static inline void say(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

/* One line, "" at the end of the stream, "(silence)" after SOON_MS. */
static inline const char *hear(int fd)
{
	static char line[4096];
	size_t used = 0;

	while (used < sizeof(line) - 1) {
		struct pollfd ready = {.fd = fd, .events = POLLIN};

		if (poll(&ready, 1, SOON_MS) <= 0)
			return "(silence)";
		if (recv(fd, line + used, 1, 0) != 1 || line[used] == '\n')
			break;
		used++;
	}
	line[used] = '\0';
	return line;
}

static inline bool contains(const char *text, const char *part)
{
	if (strstr(text, part))
		return true;
	print_message("'%s' is not in: %s\n", part, text);
	return false;
}

/* True when the server has hung up within ms. */
static inline bool hung_up(int fd, int ms)
{
	char buffer[4096];

	for (;;) {
		struct pollfd ready = {.fd = fd, .events = POLLIN};

		if (poll(&ready, 1, ms) <= 0)
			return false;
		if (recv(fd, buffer, sizeof(buffer), 0) <= 0)
			return true;
	}
}

#endif
