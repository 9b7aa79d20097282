/*
 * Handover, the new server's side.
 */
#include "handover.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "conn.h"
#include "log.h"
#include "net.h"
#include "packet.h"
#include "room.h"
#include "saved.h"
#include "world.h"

enum { HANDOVER_SECONDS = 10 };

static int handover_connect(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct timeval patience = {.tv_sec = HANDOVER_SECONDS};
	int fd;

	if (strlen(path) >= sizeof(address.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	strcpy(address.sun_path, path);
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		int reason = errno;

		close(fd);
		errno = reason;
		return -1;
	}
	return fd;
}

bool handover_begin(struct handover *handover, const char *path, int *rooms)
{
	static struct packet packet;
	long long count;

	handover->fd = handover_connect(path);
	if (handover->fd < 0) {
		log_warning("no server to take over from at %s: %s", path, strerror(errno));
		return false;
	}
	if (!packet_receive(handover->fd, &packet) || !packet_is(&packet, "arena") ||
	    packet.fd < 0 || strlen(packet.bytes) >= sizeof(handover->world)) {
		log_warning("who serves %s hands nothing over", path);
		return false;
	}
	count = saved_number(packet.bytes, "rooms", 0);
	if (count < 1 || count > ROOMS_MAX) {
		log_warning("a game of %lld rooms does not fit in here", count);
		return false;
	}
	handover->listen_fd = packet.fd;
	strcpy(handover->world, packet.bytes);
	*rooms = (int)count;
	return true;
}

/* Returns the connection, or NULL: then the descriptor is closed. */
static struct conn *handover_take_conn(struct packet *packet, struct world *world, struct net *net)
{
	struct conn *conn = packet->fd < 0 ? NULL : net_adopt(net, packet->fd);
	size_t length;
	const char *raw = packet_raw(packet, &length);

	if (!conn || length > sizeof(conn->in))
		return NULL;
	memcpy(conn->in, raw, length);
	conn->in_used = length;
	conn->too_long = saved_number(packet->bytes, "too_long", 0) != 0;
	if (saved_number(packet->bytes, "in_room", -1) < 0)
		return conn;
	conn->player = saved_read_player(world, packet->bytes, conn);
	return conn->player ? conn : NULL;
}

static bool handover_read(struct handover *handover, struct world *world, struct net *net)
{
	static struct packet packet;
	struct conn *conn = NULL;

	for (;;) {
		size_t length;
		const char *raw;

		if (!packet_receive(handover->fd, &packet))
			return false;
		if (packet_is(&packet, "end"))
			return true;
		if (packet_is(&packet, "room") && !saved_read_room(world, packet.bytes))
			return false;
		if (packet_is(&packet, "conn")) {
			conn = handover_take_conn(&packet, world, net);
			if (!conn)
				return false;
		}
		raw = packet_raw(&packet, &length);
		/* Kept, not sent: it is not ours to say anything yet. */
		if (packet_is(&packet, "out") && !(conn && conn_keep_unsent(conn, raw, length)))
			return false;
	}
}

bool handover_take(struct handover *handover, struct world *world, struct net *net)
{
	static struct packet packet;
	bool taken;

	saved_read_world(world, handover->world);
	taken = handover_read(handover, world, net) &&
	        packet_send(handover->fd, "ready", NULL, 0, -1) &&
	        packet_receive(handover->fd, &packet) && packet_is(&packet, "go");
	close(handover->fd);
	if (taken)
		log_info("took over %d connections", world->connections);
	else
		log_warning("could not take over; the other server goes on");
	return taken;
}
