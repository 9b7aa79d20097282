/* SPDX-License-Identifier: MIT */
/* SCM_RIGHTS; see descriptor.h. */
#include "rpc/descriptor.h"

#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

union control {
	struct cmsghdr header; /* for its alignment */
	char bytes[CMSG_SPACE(sizeof(int))];
};

ssize_t rpc_send(int socket, const void *data, size_t size, int passed, int flags)
{
	union control control = {.bytes = {0}};
	struct iovec piece = {.iov_base = (void *)data, .iov_len = size};
	struct msghdr message = {.msg_iov = &piece, .msg_iovlen = 1};
	struct cmsghdr *header;

	if (passed >= 0) {
		message.msg_control = control.bytes;
		message.msg_controllen = CMSG_LEN(sizeof(int));
		header = CMSG_FIRSTHDR(&message);
		header->cmsg_level = SOL_SOCKET;
		header->cmsg_type = SCM_RIGHTS;
		header->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(header), &passed, sizeof(int));
	}
	return sendmsg(socket, &message, flags | MSG_NOSIGNAL);
}

/* Keeps the first descriptor if there is room for it, closes all others. */
static void take_descriptors(struct cmsghdr *header, int *passed)
{
	size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);

	for (size_t i = 0; i < count; i++) {
		int fd;

		memcpy(&fd, CMSG_DATA(header) + i * sizeof(int), sizeof(int));
		if (fd < 0)
			continue;
		if (*passed < 0)
			*passed = fd;
		else
			close(fd);
	}
}

ssize_t rpc_receive(int socket, void *data, size_t size, int *passed, int flags)
{
	union control control;
	struct iovec piece = {.iov_base = data, .iov_len = size};
	/*
	 * Room for exactly one: CMSG_SPACE() would leave room for two through its padding. What
	 * does not fit the kernel closes without ever giving it a number in this process.
	 */
	struct msghdr message = {.msg_iov = &piece,
				 .msg_iovlen = 1,
				 .msg_control = control.bytes,
				 .msg_controllen = CMSG_LEN(sizeof(int))};
	ssize_t got = recvmsg(socket, &message, flags | MSG_CMSG_CLOEXEC);

	if (got < 0)
		return got;
	for (struct cmsghdr *header = CMSG_FIRSTHDR(&message); header;
	     header = CMSG_NXTHDR(&message, header))
		if (header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS)
			take_descriptors(header, passed);
	return got;
}
