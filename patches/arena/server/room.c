/*
 * Room: players come, go, and are ticked here. The lock of a room is taken before that of a
 * connection, and no thread ever holds the locks of two rooms.
 */
#include "room.h"

#include <stdlib.h>
#include <string.h>

#include "map.h"
#include "player.h"
#include "protocol.h"

static uint32_t room_random(struct room *room)
{
	/* xorshift32: the same room plays the same game again. */
	room->random ^= room->random << 13;
	room->random ^= room->random >> 17;
	room->random ^= room->random << 5;
	return room->random;
}

static void room_pick_cell(struct room *room, int *x, int *y)
{
	do {
		*x = (int)(room_random(room) % MAP_WIDTH);
		*y = (int)(room_random(room) % MAP_HEIGHT);
	} while (!map_is_open(*x, *y));
}

struct room *room_create(int number)
{
	struct room *room = calloc(1, sizeof(*room));

	if (!room)
		return NULL;
	room->number = number;
	room->random = 2463534242u + (uint32_t)number;
	pthread_mutex_init(&room->lock, NULL);
	for (int i = 0; i < ROOM_TREASURES; i++)
		room_pick_cell(room, &room->treasures[i].x, &room->treasures[i].y);
	return room;
}

void room_destroy(struct room *room)
{
	if (!room)
		return;
	pthread_mutex_destroy(&room->lock);
	free(room);
}

static void room_find_treasure(struct room *room, struct player *player)
{
	for (int i = 0; i < ROOM_TREASURES; i++) {
		if (room->treasures[i].x != player->x || room->treasures[i].y != player->y)
			continue;
		if (player->coin > PLAYER_COIN_MAX - ROOM_TREASURE_COIN)
			continue;
		player->coin += ROOM_TREASURE_COIN;
		room->ledger += ROOM_TREASURE_COIN;
		room_pick_cell(room, &room->treasures[i].x, &room->treasures[i].y);
		player_tell(player, "found %d coin=%d", ROOM_TREASURE_COIN, player->coin);
	}
}

void room_tick(struct room *room, uint64_t now_ns)
{
	pthread_mutex_lock(&room->lock);
	room->tick++;
	for (int i = 0; i < room->player_count; i++) {
		struct player *player = room->players[i];

		player_tick(player);
		room_find_treasure(room, player);
		if (player->watching)
			player_tell(player, "tick %llu %llu", (unsigned long long)room->tick,
			            (unsigned long long)now_ns / 1000);
	}
	pthread_mutex_unlock(&room->lock);
}

void room_measure(struct room *room, struct room_figures *figures)
{
	*figures = (struct room_figures){0};
	pthread_mutex_lock(&room->lock);
	figures->tick = room->tick;
	figures->players = room->player_count;
	figures->ledger = room->ledger;
	for (int i = 0; i < room->player_count; i++)
		figures->coin += room->players[i]->coin;
	pthread_mutex_unlock(&room->lock);
}

const char *room_enter(struct room *room, struct player *player)
{
	if (room->player_count == ROOM_PLAYERS_MAX)
		return "room-full";
	room_pick_cell(room, &player->x, &player->y);
	player->room = room;
	room->players[room->player_count++] = player;
	room->ledger += player->coin;
	return NULL;
}

void room_leave(struct room *room, struct player *player)
{
	for (int i = 0; i < room->player_count; i++) {
		if (room->players[i] != player)
			continue;
		room->players[i] = room->players[--room->player_count];
		room->ledger -= player->coin;
		player->room = NULL;
		return;
	}
}

struct player *room_find_player(struct room *room, const char *name)
{
	for (int i = 0; i < room->player_count; i++) {
		if (strcmp(room->players[i]->name, name) == 0)
			return room->players[i];
	}
	return NULL;
}

void room_draw(struct room *room, const struct player *viewer, struct reply *reply)
{
	char rows[MAP_HEIGHT][MAP_WIDTH + 1];

	memcpy(rows, map_rows, sizeof(rows));
	if (viewer) {
		for (int i = 0; i < ROOM_TREASURES; i++)
			rows[room->treasures[i].y][room->treasures[i].x] = '$';
		for (int i = 0; i < room->player_count; i++)
			rows[room->players[i]->y][room->players[i]->x] = 'o';
		rows[viewer->y][viewer->x] = '@';
	}
	for (int y = 0; y < MAP_HEIGHT; y++)
		reply_add(reply, "| %s\n", rows[y]);
}
