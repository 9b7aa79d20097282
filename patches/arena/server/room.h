/*
 * Room: a copy of the map with the players and the treasure in it. Ticked by one thread, asked by
 * the network thread.
 */
#ifndef ARENA_ROOM_H
#define ARENA_ROOM_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct player;
struct reply;

enum { ROOMS_MAX = 64, ROOM_PLAYERS_MAX = 1024, ROOM_TREASURES = 8, ROOM_TREASURE_COIN = 5 };

struct room {
	int number;
	pthread_mutex_t lock; /* guards everything below, and the players in it */
	uint64_t tick;
	uint32_t random;
	long long ledger; /* coin that should be in the room: what came in less what went out */
	int player_count;
	struct player *players[ROOM_PLAYERS_MAX];
	struct {
		int x;
		int y;
	} treasures[ROOM_TREASURES];
};

struct room_figures {
	uint64_t tick;
	int players;
	long long coin;   /* what the players own */
	long long ledger; /* what they should own */
};

/* NULL when there is no memory. */
struct room *room_create(int number);
void room_destroy(struct room *room);

/* One step of the game; locks the room. */
void room_tick(struct room *room, uint64_t now_ns);

/* Locks the room. */
void room_measure(struct room *room, struct room_figures *figures);

/* The rest is called with the lock held. */

/* Places the player on a free cell. NULL, or the code of what was wrong. */
const char *room_enter(struct room *room, struct player *player);
void room_leave(struct room *room, struct player *player);
struct player *room_find_player(struct room *room, const char *name);

/* Draws the map; with viewer, also who and what is there. */
void room_draw(struct room *room, const struct player *viewer, struct reply *reply);

#endif
