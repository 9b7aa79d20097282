/*
 * Leaderboard: sorts a copy, the room itself stays in its order.
 */
#include "leaderboard.h"

#include <stdlib.h>

#include "player.h"
#include "protocol.h"
#include "room.h"

struct leaderboard_row {
	int coin;
	unsigned int id;
	const char *name;
};

/* Richest first; of two with the same coin, who joined first stands first. */
static int leaderboard_compare(const void *left, const void *right)
{
	const struct leaderboard_row *a = left;
	const struct leaderboard_row *b = right;

	if (a->coin != b->coin)
		return a->coin < b->coin ? 1 : -1;
	return a->id < b->id ? 1 : -1;
}

void leaderboard_show(const struct room *room, struct reply *reply)
{
	struct leaderboard_row rows[ROOM_PLAYERS_MAX];
	int shown = room->player_count;

	for (int i = 0; i < room->player_count; i++) {
		rows[i].coin = room->players[i]->coin;
		rows[i].id = room->players[i]->id;
		rows[i].name = room->players[i]->name;
	}
	qsort(rows, (size_t)room->player_count, sizeof(rows[0]), leaderboard_compare);
	if (shown > LEADERBOARD_ROWS)
		shown = LEADERBOARD_ROWS;
	reply_add(reply, "ok leaderboard rows=%d\n", shown);
	for (int i = 0; i < shown; i++)
		reply_add(reply, "| %d %s %d\n", i + 1, rows[i].name, rows[i].coin);
}
