/*
 * Packets: sendmsg() and recvmsg() with one descriptor at most.
 */
#include "packet.h"

#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

union packet_control {
	struct cmsghdr align;
	char bytes[CMSG_SPACE(sizeof(int))];
};

bool packet_send(int socket, const char *line, const void *raw, size_t length, int fd)
{
	struct iovec parts[] = {
	        {(void *)line, strlen(line)},
	        {(void *)"\n", 1},
	        {(void *)raw, length},
	};
	union packet_control control;
	struct msghdr message = {.msg_iov = parts, .msg_iovlen = 3};

	if (fd >= 0) {
		struct cmsghdr *header;

		memset(&control, 0, sizeof(control));
		message.msg_control = control.bytes;
		message.msg_controllen = sizeof(control.bytes);
		header = CMSG_FIRSTHDR(&message);
		header->cmsg_level = SOL_SOCKET;
		header->cmsg_type = SCM_RIGHTS;
		header->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(header), &fd, sizeof(int));
	}
	return sendmsg(socket, &message, MSG_NOSIGNAL) >= 0;
}

static int packet_descriptor(struct msghdr *message)
{
	struct cmsghdr *header = CMSG_FIRSTHDR(message);
	int fd = -1;

	if (header && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS &&
	    header->cmsg_len == CMSG_LEN(sizeof(int)))
		memcpy(&fd, CMSG_DATA(header), sizeof(int));
	return fd;
}

bool packet_receive(int socket, struct packet *packet)
{
	struct iovec part = {packet->bytes, PACKET_MAX};
	union packet_control control;
	struct msghdr message = {
	        .msg_iov = &part,
	        .msg_iovlen = 1,
	        .msg_control = control.bytes,
	        .msg_controllen = sizeof(control.bytes),
	};
	ssize_t length = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
	char *newline;

	if (length <= 0)
		return false;
	packet->fd = packet_descriptor(&message);
	packet->length = (size_t)length;
	newline = memchr(packet->bytes, '\n', packet->length);
	if (!newline || (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC))) {
		if (packet->fd >= 0)
			close(packet->fd);
		return false;
	}
	*newline = '\0';
	packet->text_length = (size_t)(newline - packet->bytes) + 1;
	return true;
}

bool packet_is(const struct packet *packet, const char *word)
{
	size_t length = strlen(word);

	return strncmp(packet->bytes, word, length) == 0 &&
	       (packet->bytes[length] == ' ' || packet->bytes[length] == '\0');
}

const char *packet_raw(const struct packet *packet, size_t *length)
{
	*length = packet->length - packet->text_length;
	return packet->bytes + packet->text_length;
}
