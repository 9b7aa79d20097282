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

enum { ROOM_LABEL_MAX = 8, ROOM_MATCH_MAX = 24 };
enum { ROOMS_MAX = 64, ROOM_PLAYERS_MAX = 1024, ROOM_TREASURES = 8, ROOM_TREASURE_COIN = 5 };

struct room {
	int number;
	char label[ROOM_LABEL_MAX]; /* the number, as scopes name it */
	pthread_mutex_t lock;       /* guards everything below, and the players in it */
	uint64_t tick;
	/*
	 * The match that is being played, as scopes name it: number of the room and of the match.
	 * Changed by the thread that ticks the room, which may read it without the lock.
	 */
	char match[ROOM_MATCH_MAX];
	unsigned int match_number;
	uint64_t match_ends; /* tick; 0: never */
	uint32_t random;
	long long ledger; /* coin that should be in the room: what came in less what went out */
	int player_count;
	struct player *players[ROOM_PLAYERS_MAX];
	struct {
		int x;
		int y;
	} treasures[ROOM_TREASURES];
};

/* Says where players are, for patches that change what a player is. */
void room_register_players(struct room **rooms, int count);

struct room_figures {
	uint64_t tick;
	int players;
	long long coin;   /* what the players own */
	long long ledger; /* what they should own */
};

/* NULL when there is no memory. */
struct room *room_create(int number);
void room_destroy(struct room *room);

/* How many ticks a match lasts; 0: for ever. Set before the first room is made. */
extern uint64_t room_match_ticks;

/*
 * Locks the room, and says by scopes what the thread works for until it is unlocked: patches may be
 * for one room or for some matches alone.
 */
void room_lock(struct room *room);
void room_unlock(struct room *room);

/* One step of the game, and what comes after it; by the thread that ticks the room. */
void room_step(struct room *room, uint64_t now_ns);

/* The step itself; locks the room. */
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
