/*
 * Player: one who plays, from join to quit. Belongs to the room that it joined; the room's lock
 * guards every field.
 */
#ifndef ARENA_PLAYER_H
#define ARENA_PLAYER_H

#include <stdbool.h>

#include "path.h"
#include "shop.h"

struct conn;
struct room;

enum { PLAYER_NAME_MAX = 15, PLAYER_COIN_MAX = 1000000000 };

struct player {
	int coin;
	int x;
	int y;
	unsigned int id; /* from 1 upwards in the order of joining, never used again */
	char name[PLAYER_NAME_MAX + 1];
	struct room *room;
	struct conn *conn;
	bool watching; /* wants a line for every tick */
	bool walking;
	int steps; /* made since the walk started */
	struct path_field walk;
	int bag[SHOP_ITEMS_MAX];
	int offered; /* item up for sale, taken out of the bag, or -1 */
	int offered_price;
};

/* What a new player owns. Set from the command line before the first one joins. */
extern int player_start_coin;

/* NULL when there is no memory. Name and id are the caller's to choose. */
struct player *player_create(const char *name, unsigned int id, struct conn *conn);
void player_destroy(struct player *player);

/* Returns the steps to the target, or PATH_UNREACHED; then the player goes on as before. */
int player_walk_to(struct player *player, int x, int y);

/* Where else than in its room a pointer to the player is kept. */
void **player_reference(struct player *player);

/* One tick of walking. */
void player_tick(struct player *player);

/* Sends news to the player; the text must not hold a newline. */
__attribute__((format(printf, 2, 3))) void player_tell(struct player *player, const char *format,
                                                       ...);

#endif
