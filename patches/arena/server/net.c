/*
 * Network: one thread, one epoll. It accepts, reads, answers through command.c, and is the only
 * one that creates and destroys connections. The loop itself does nothing else, so that everything
 * worth changing is called from it and returns.
 */
#include "net.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <suture/suture.h>

#include "command.h"
#include "conn.h"
#include "log.h"
#include "world.h"

enum { NET_EVENTS = 64, NET_WAIT_MS = 20 };

struct net {
	struct world *world;
	int epoll_fd;
	int listen_fd;
	int stop_fd;
	int spare_fd; /* given up to turn a client away when there are no more descriptors */
	int visit_fd; /* somebody else's, see net_on_visit */
	bool (*visit)(void *context);
	void *visit_context;
	struct conn *conns;
	bool stopping;
};

/* The descriptors that are no connection are told apart by the address of their field. */
static int net_watch(struct net *net, int *fd)
{
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = fd};

	return epoll_ctl(net->epoll_fd, EPOLL_CTL_ADD, *fd, &event);
}

struct net *net_create(struct world *world, int listen_fd)
{
	struct net *net = calloc(1, sizeof(*net));

	if (!net) {
		close(listen_fd);
		return NULL;
	}
	net->world = world;
	net->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	net->stop_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	net->spare_fd = dup(net->stop_fd);
	net->listen_fd = listen_fd;
	net->visit_fd = -1;
	if (net->epoll_fd < 0 || net->stop_fd < 0 || net_watch(net, &net->listen_fd) < 0 ||
	    net_watch(net, &net->stop_fd) < 0) {
		log_warning("can't wait for clients: %s", strerror(errno));
		net_destroy(net);
		return NULL;
	}
	return net;
}

static void net_drop(struct net *net, struct conn *conn)
{
	command_leave(conn);
	if (conn->previous)
		conn->previous->next = conn->next;
	else
		net->conns = conn->next;
	if (conn->next)
		conn->next->previous = conn->previous;
	net->world->connections--;
	conn_destroy(conn);
}

void net_destroy(struct net *net)
{
	if (!net)
		return;
	while (net->conns)
		net_drop(net, net->conns);
	if (net->listen_fd >= 0)
		close(net->listen_fd);
	if (net->spare_fd >= 0)
		close(net->spare_fd);
	if (net->stop_fd >= 0)
		close(net->stop_fd);
	if (net->epoll_fd >= 0)
		close(net->epoll_fd);
	free(net);
}

int net_port(const struct net *net)
{
	struct sockaddr_in address;
	socklen_t length = sizeof(address);

	if (getsockname(net->listen_fd, (struct sockaddr *)&address, &length) < 0)
		return -1;
	return ntohs(address.sin_port);
}

int net_listener(const struct net *net)
{
	return net->listen_fd;
}

const struct conn *net_conns(const struct net *net)
{
	return net->conns;
}

bool net_on_visit(struct net *net, int fd, bool (*visit)(void *), void *context)
{
	net->visit_fd = fd;
	net->visit = visit;
	net->visit_context = context;
	return net_watch(net, &net->visit_fd) == 0;
}

/* Out of descriptors: the client would stay in the queue and wake us for ever. */
static void net_turn_away(struct net *net)
{
	int fd;

	close(net->spare_fd);
	fd = accept(net->listen_fd, NULL, NULL);
	if (fd >= 0)
		close(fd);
	net->spare_fd = dup(net->stop_fd);
	log_warning("no descriptors left, a client was turned away");
}

struct conn *net_adopt(struct net *net, int fd)
{
	struct conn *conn = conn_create(fd, net->epoll_fd);

	if (!conn)
		return NULL;
	conn->next = net->conns;
	if (net->conns)
		net->conns->previous = conn;
	net->conns = conn;
	net->world->connections++;
	return conn;
}

static void net_accept(struct net *net)
{
	int one = 1;
	int fd = accept4(net->listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	struct conn *conn;

	if (fd < 0) {
		if (errno == EMFILE || errno == ENFILE)
			net_turn_away(net);
		return;
	}
	/* A line is small and wants to be there now. */
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	conn = net_adopt(net, fd);
	if (conn)
		command_greet(net->world, conn);
}

static void net_line(struct conn *conn, char *line, void *context)
{
	struct net *net = context;

	command_answer(net->world, conn, line);
}

static void net_serve(struct net *net, struct conn *conn, uint32_t events)
{
	enum conn_state state = CONN_OPEN;

	if (events & EPOLLOUT)
		state = conn_flush(conn);
	if (state == CONN_OPEN && (events & (EPOLLIN | EPOLLHUP | EPOLLERR)))
		state = conn_read(conn, net_line, net);
	if (state == CONN_CLOSED)
		net_drop(net, conn);
}

static void net_handle(struct net *net, const struct epoll_event *event)
{
	if (event->data.ptr == &net->listen_fd)
		net_accept(net);
	else if (event->data.ptr == &net->stop_fd)
		net->stopping = true;
	else if (event->data.ptr == &net->visit_fd)
		net->stopping = net->visit(net->visit_context);
	else
		net_serve(net, event->data.ptr, event->events);
}

void net_run(struct net *net)
{
	struct epoll_event events[NET_EVENTS];

	while (!net->stopping) {
		/* At rest between requests: the safe point of this thread, visited now and then. */
		int count = epoll_wait(net->epoll_fd, events, NET_EVENTS, NET_WAIT_MS);

		suture_safepoint();
		for (int i = 0; i < count && !net->stopping; i++)
			net_handle(net, &events[i]);
	}
}

void net_stop(struct net *net)
{
	uint64_t one = 1;

	/* Full means that it has been said already. */
	if (write(net->stop_fd, &one, sizeof(one)) < 0)
		return;
}
