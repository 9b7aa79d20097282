/*
 * Handover, the old server's side. Everything that is sent is only read here, so that giving up at
 * any point needs no undoing.
 */
#include "handover.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "conn.h"
#include "log.h"
#include "net.h"
#include "packet.h"
#include "player.h"
#include "protocol.h"
#include "saved.h"
#include "world.h"

enum {
	HANDOVER_SECONDS = 5,
	HANDOVER_CHUNK = 16384,
	HANDOVER_PATH_SIZE = sizeof(((struct sockaddr_un *)0)->sun_path),
};

static bool handover_new_name(const char *path, char name[HANDOVER_PATH_SIZE])
{
	return snprintf(name, HANDOVER_PATH_SIZE, "%s.%d", path, (int)getpid()) <
	       HANDOVER_PATH_SIZE;
}

static bool handover_bind(int fd, const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	mode_t before;
	int bound;

	if (!handover_new_name(path, address.sun_path)) {
		errno = ENAMETOOLONG;
		return false;
	}
	unlink(address.sun_path); /* of one that had our number and died */
	before = umask(077);
	bound = bind(fd, (struct sockaddr *)&address, sizeof(address));
	umask(before);
	return bound == 0 && listen(fd, 1) == 0;
}

int handover_listen(const char *path)
{
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	if (fd >= 0 && handover_bind(fd, path))
		return fd;
	log_warning("can't hand over at %s: %s", path, strerror(errno));
	if (fd >= 0)
		close(fd);
	return -1;
}

void handover_publish(const char *path)
{
	char name[HANDOVER_PATH_SIZE];

	if (!handover_new_name(path, name) || rename(name, path) < 0)
		log_warning("nobody can take over at %s: %s", path, strerror(errno));
}

static bool handover_is_trusted(int fd)
{
	struct ucred peer;
	socklen_t length = sizeof(peer);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) == 0 &&
	       (peer.uid == geteuid() || peer.uid == 0);
}

static bool handover_give_rooms(int fd, const struct world *world)
{
	for (int i = 0; i < world->room_count; i++) {
		struct reply text = {.used = 0};

		reply_add(&text, "room");
		saved_write_room(world->rooms[i], &text);
		if (!packet_send(fd, text.text, NULL, 0, -1))
			return false;
	}
	return true;
}

/* What was read and not answered yet goes with the line, what was said and not sent yet behind it.
 */
static bool handover_give_conn(int fd, const struct conn *conn)
{
	struct reply text = {.used = 0};

	reply_add(&text, "conn too_long=%d", conn->too_long);
	if (conn->player)
		saved_write_player(conn->player, &text);
	if (!packet_send(fd, text.text, conn->in, conn->in_used, conn->fd))
		return false;
	for (size_t done = 0; done < conn->out_used; done += HANDOVER_CHUNK) {
		size_t left = conn->out_used - done;

		if (!packet_send(fd, "out", conn->out + done,
		                 left < HANDOVER_CHUNK ? left : HANDOVER_CHUNK, -1))
			return false;
	}
	return true;
}

static bool handover_give_conns(int fd, const struct net *net)
{
	for (const struct conn *conn = net_conns(net); conn; conn = conn->next) {
		/* The lock is nobody's any more: no thread ticks. */
		if (!conn->broken && !handover_give_conn(fd, conn))
			return false;
	}
	return true;
}

static bool handover_give_all(int fd, const struct world *world, const struct net *net)
{
	struct reply text = {.used = 0};
	static struct packet answer;

	reply_add(&text, "arena");
	saved_write_world(world, &text);
	return packet_send(fd, text.text, NULL, 0, net_listener(net)) &&
	       handover_give_rooms(fd, world) && handover_give_conns(fd, net) &&
	       packet_send(fd, "end", NULL, 0, -1) && packet_receive(fd, &answer) &&
	       packet_is(&answer, "ready") && packet_send(fd, "go", NULL, 0, -1);
}

int handover_accept(int listen_fd)
{
	struct timeval patience = {.tv_sec = HANDOVER_SECONDS};
	int fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC);

	if (fd >= 0 && !handover_is_trusted(fd)) {
		close(fd);
		return -1;
	}
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	return fd;
}

bool handover_give(int fd, const struct world *world, const struct net *net)
{
	bool given = handover_give_all(fd, world, net);

	close(fd);
	if (given)
		log_info("handed over");
	else
		log_warning("somebody came and did not take over; going on");
	return given;
}
