/*
 * Network: the socket that clients connect to, and the loop that serves them.
 */
#ifndef ARENA_NET_H
#define ARENA_NET_H

struct net;
struct world;

/* Listens on 127.0.0.1. NULL on failure, which is logged. */
struct net *net_create(struct world *world, int port);
void net_destroy(struct net *net);

int net_port(const struct net *net);

/* Serves until net_stop. */
void net_run(struct net *net);

/* May be called from every thread and from a signal handler. */
void net_stop(struct net *net);

#endif
