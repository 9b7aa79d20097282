/*
 * Room: players come, go, and are ticked here. The lock of a room is taken before that of a
 * connection, and no thread ever holds the locks of two rooms.
 */
#include "room.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <suture/suture.h>

#include "map.h"
#include "player.h"
#include "protocol.h"

uint64_t room_match_ticks;

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

/* With the lock held, once there is somebody who could see it. */
static void room_begin_match(struct room *room)
{
	room->match_number++;
	snprintf(room->match, sizeof(room->match), "%d-%u", room->number, room->match_number);
	room->match_ends = room_match_ticks ? room->tick + room_match_ticks : 0;
}

struct room *room_create(int number)
{
	struct room *room = calloc(1, sizeof(*room));

	if (!room)
		return NULL;
	room->number = number;
	snprintf(room->label, sizeof(room->label), "%d", number);
	room_begin_match(room);
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

/* The outermost scope is the room's: a share of all is a share of the rooms. */
static void room_enter_scopes(const struct room *room)
{
	suture_scope_enter("room", room->label);
	suture_scope_enter("match", room->match);
}

static void room_leave_scopes(void)
{
	suture_scope_leave();
	suture_scope_leave();
}

void room_lock(struct room *room)
{
	pthread_mutex_lock(&room->lock);
	room_enter_scopes(room);
}

void room_unlock(struct room *room)
{
	room_leave_scopes();
	pthread_mutex_unlock(&room->lock);
}

/* A match that is over is followed by the next. */
static void room_advance_match(struct room *room)
{
	char over[ROOM_MATCH_MAX];

	if (!room->match_ends || room->tick < room->match_ends)
		return;
	memcpy(over, room->match, sizeof(over));
	pthread_mutex_lock(&room->lock);
	room_begin_match(room);
	for (int i = 0; i < room->player_count; i++)
		player_tell(room->players[i], "match %s", room->match);
	pthread_mutex_unlock(&room->lock);
	suture_scope_end("match", over);
}

void room_step(struct room *room, uint64_t now_ns)
{
	room_enter_scopes(room);
	room_tick(room, now_ns);
	room_leave_scopes();
	room_advance_match(room);
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

static struct room **room_all;
static int room_all_count;

/* At the safe point: nobody comes or goes. */
static void room_each_player(struct suture_objects *to)
{
	for (int i = 0; i < room_all_count; i++) {
		struct room *room = room_all[i];

		for (int k = 0; k < room->player_count; k++) {
			suture_object(to, room->players[k], (void **)&room->players[k]);
			suture_object(to, room->players[k], player_reference(room->players[k]));
		}
	}
}

void room_register_players(struct room **rooms, int count)
{
	room_all = rooms;
	room_all_count = count;
	suture_objects_register("player", room_each_player);
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
