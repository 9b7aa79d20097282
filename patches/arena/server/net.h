/*
 * Network: the socket that clients connect to, and the loop that serves them.
 */
#ifndef ARENA_NET_H
#define ARENA_NET_H

#include <stdbool.h>

struct conn;
struct net;
struct world;

/* Takes the listening socket over, also on failure. NULL on failure, which is logged. */
struct net *net_create(struct world *world, int listen_fd);
void net_destroy(struct net *net);

int net_listener(const struct net *net);
const struct conn *net_conns(const struct net *net); /* the first of them; the rest by next */

/* One more connection, of a client that is there already. NULL, then it is closed. */
struct conn *net_adopt(struct net *net, int fd);

/*
 * Calls visit(context) in net_run when somebody comes to fd, which stays the caller's. True from
 * it ends net_run. False on failure.
 */
bool net_on_visit(struct net *net, int fd, bool (*visit)(void *), void *context);

int net_port(const struct net *net);

/* Serves until net_stop. */
void net_run(struct net *net);

/* May be called from every thread and from a signal handler. */
void net_stop(struct net *net);

#endif
