/*
 * Leaderboard: the ten richest players of a room.
 */
#ifndef ARENA_LEADERBOARD_H
#define ARENA_LEADERBOARD_H

struct room;
struct reply;

enum { LEADERBOARD_ROWS = 10 };

/* Called with the lock of the room held. */
void leaderboard_show(const struct room *room, struct reply *reply);

#endif
