/*
 * Listening: a socket of our own, or an inherited one.
 */
#include "listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "protocol.h"

enum { LISTEN_INHERITED = 3, LISTEN_QUEUE = 1024 }; /* the first descriptor behind stderr */

/* The variables are for the process that systemd started, not for those that it starts. */
static bool listen_is_inherited(void)
{
	const char *pid = getenv("LISTEN_PID");
	const char *count = getenv("LISTEN_FDS");
	int number;

	return pid && protocol_number(pid, 1, INT_MAX, &number) && number == getpid() && count &&
	       protocol_number(count, 1, INT_MAX, &number);
}

static int listen_bind(int port)
{
	struct sockaddr_in address = {
	        .sin_family = AF_INET,
	        .sin_port = htons((uint16_t)port),
	        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int one = 1;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    listen(fd, LISTEN_QUEUE) < 0) {
		int reason = errno;

		close(fd);
		errno = reason;
		return -1;
	}
	return fd;
}

int listen_open(int port)
{
	if (!listen_is_inherited())
		return listen_bind(port);
	if (fcntl(LISTEN_INHERITED, F_SETFL, O_NONBLOCK) < 0 ||
	    fcntl(LISTEN_INHERITED, F_SETFD, FD_CLOEXEC) < 0)
		return -1;
	return LISTEN_INHERITED;
}
