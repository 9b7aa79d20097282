/*
 * Stats: the server's own figures, and an audit of the coin.
 */
#ifndef ARENA_STATS_H
#define ARENA_STATS_H

struct reply;
struct world;

/* Locks one room after the other; called with no room locked. */
void stats_show(struct world *world, struct reply *reply);

#endif
