/*
 * Handover: a new process of the server takes over from the running one, for a change that can't be
 * patched. Listening socket, connections, rooms and players go over; the players notice a pause.
 *
 * The old one stops to tick, sends everything, and waits. The new one says that it could read all
 * of it, the old one says go, and from then on the game is the new one's. Until then any failure
 * of either leaves the old one as it was, and it goes on.
 */
#ifndef ARENA_HANDOVER_H
#define ARENA_HANDOVER_H

#include <stdbool.h>

struct net;
struct world;

/* ---- the old one's side ---- */

/*
 * A socket that successors connect to, for this user alone; -1 on failure, logged. It gets its name
 * by handover_publish: until then path is the predecessor's.
 */
int handover_listen(const char *path);
void handover_publish(const char *path);

/* Who has come, or -1: nobody that may. */
int handover_accept(int listen_fd);

/*
 * Takes the visitor's socket over. True: the successor has it all, and nothing that clients send or
 * are told is ours any more. Called by the network thread while nobody ticks.
 */
bool handover_give(int fd, const struct world *world, const struct net *net);

/* ---- the new one's side ---- */

struct handover {
	int fd;
	int listen_fd;
	char world[512]; /* what the other one said of itself */
};

/* Connects to the running server. False on failure, logged. *rooms is how many it has. */
bool handover_begin(struct handover *handover, const char *path, int *rooms);

/* Fills the rooms and the network; then the other one has gone, or false: forget it all. */
bool handover_take(struct handover *handover, struct world *world, struct net *net);

#endif
