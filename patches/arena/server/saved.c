/*
 * Saved state: one line of NAME=VALUE for each thing. Called while nobody ticks and by the network
 * thread alone, so that nothing is locked.
 */
#include "saved.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "map.h"
#include "player.h"
#include "protocol.h"
#include "room.h"
#include "world.h"

/* Where the value of a field starts, or NULL. */
static const char *saved_find(const char *text, const char *name)
{
	size_t length = strlen(name);

	for (const char *at = text; (at = strchr(at, ' '));) {
		at++;
		if (strncmp(at, name, length) == 0 && at[length] == '=')
			return at + length + 1;
	}
	return NULL;
}

long long saved_number(const char *text, const char *name, long long otherwise)
{
	const char *value = saved_find(text, name);

	return value ? strtoll(value, NULL, 10) : otherwise;
}

static int saved_within(const char *text, const char *name, int least, int most, int otherwise)
{
	long long value = saved_number(text, name, otherwise);

	return value < least || value > most ? otherwise : (int)value;
}

void saved_write_world(const struct world *world, struct reply *text)
{
	reply_add(text, " rooms=%d last_player_id=%u requests=%llu started_ns=%llu",
	          world->room_count, world->last_player_id, (unsigned long long)world->requests,
	          (unsigned long long)world->started_ns);
}

void saved_read_world(struct world *world, const char *text)
{
	world->last_player_id = (unsigned int)saved_number(text, "last_player_id", 0);
	world->requests = (uint64_t)saved_number(text, "requests", 0);
	world->started_ns =
	        (uint64_t)saved_number(text, "started_ns", (long long)world->started_ns);
}

void saved_write_room(const struct room *room, struct reply *text)
{
	reply_add(text, " room=%d tick=%llu random=%u ledger=%lld", room->number,
	          (unsigned long long)room->tick, (unsigned int)room->random, room->ledger);
	for (int i = 0; i < ROOM_TREASURES; i++)
		reply_add(text, " treasure_x%d=%d treasure_y%d=%d", i, room->treasures[i].x, i,
		          room->treasures[i].y);
}

static void saved_read_treasure(struct room *room, const char *text, int number)
{
	char name_x[24], name_y[24];
	int x, y;

	snprintf(name_x, sizeof(name_x), "treasure_x%d", number);
	snprintf(name_y, sizeof(name_y), "treasure_y%d", number);
	x = saved_within(text, name_x, 0, MAP_WIDTH - 1, -1);
	y = saved_within(text, name_y, 0, MAP_HEIGHT - 1, -1);
	if (!map_is_open(x, y))
		return; /* where the new room has laid it */
	room->treasures[number].x = x;
	room->treasures[number].y = y;
}

bool saved_read_room(struct world *world, const char *text)
{
	int number = saved_within(text, "room", 0, world->room_count - 1, -1);
	struct room *room;

	if (number < 0)
		return false;
	room = world->rooms[number];
	room->tick = (uint64_t)saved_number(text, "tick", 0);
	room->random = (uint32_t)saved_number(text, "random", room->random);
	room->ledger = saved_number(text, "ledger", 0);
	for (int i = 0; i < ROOM_TREASURES; i++)
		saved_read_treasure(room, text, i);
	return true;
}

/* The walk is kept as where it leads to: the new rules find the way there. */
static void saved_write_walk(const struct player *player, struct reply *text)
{
	for (int cell = 0; player->walking && cell < MAP_CELLS; cell++) {
		if (player->walk.steps[cell] == 0) {
			reply_add(text, " to_x=%d to_y=%d steps=%d", cell % MAP_WIDTH,
			          cell / MAP_WIDTH, player->steps);
			return;
		}
	}
}

void saved_write_player(const struct player *player, struct reply *text)
{
	reply_add(text,
	          " in_room=%d name=%s id=%u coin=%d x=%d y=%d watching=%d offered=%d price=%d",
	          player->room->number, player->name, player->id, player->coin, player->x,
	          player->y, player->watching, player->offered, player->offered_price);
	for (int item = 0; shop_name(item); item++)
		reply_add(text, " %s=%d", shop_name(item), player->bag[item]);
	saved_write_walk(player, text);
}

static bool saved_read_name(const char *text, char name[PLAYER_NAME_MAX + 1])
{
	const char *value = saved_find(text, "name");
	size_t length = value ? strcspn(value, " \n") : 0;

	if (length == 0 || length > PLAYER_NAME_MAX)
		return false;
	memcpy(name, value, length);
	name[length] = '\0';
	return protocol_is_name(name);
}

static void saved_read_belongings(struct player *player, const char *text)
{
	player->coin = saved_within(text, "coin", 0, PLAYER_COIN_MAX, 0);
	for (int item = 0; shop_name(item); item++)
		player->bag[item] = saved_within(text, shop_name(item), 0, SHOP_BAG_MAX, 0);
	player->offered = saved_within(text, "offered", -1, SHOP_ITEMS_MAX - 1, -1);
	player->offered_price = saved_within(text, "price", 0, PLAYER_COIN_MAX, 0);
}

static void saved_read_place(struct player *player, const char *text)
{
	int x = saved_within(text, "x", 0, MAP_WIDTH - 1, -1);
	int y = saved_within(text, "y", 0, MAP_HEIGHT - 1, -1);

	if (map_is_open(x, y)) {
		player->x = x;
		player->y = y;
	}
	x = saved_within(text, "to_x", 0, MAP_WIDTH - 1, -1);
	y = saved_within(text, "to_y", 0, MAP_HEIGHT - 1, -1);
	if (!map_is_open(x, y) || player_walk_to(player, x, y) == PATH_UNREACHED)
		return;
	player->steps = saved_within(text, "steps", 0, MAP_CELLS, 0);
}

struct player *saved_read_player(struct world *world, const char *text, struct conn *conn)
{
	int number = saved_within(text, "in_room", 0, world->room_count - 1, -1);
	char name[PLAYER_NAME_MAX + 1];
	struct player *player;

	if (number < 0 || !saved_read_name(text, name))
		return NULL;
	player = player_create(name, (unsigned int)saved_number(text, "id", 0), conn);
	if (!player)
		return NULL;
	saved_read_belongings(player, text);
	if (room_enter(world->rooms[number], player)) {
		player_destroy(player);
		return NULL;
	}
	/* The room's ledger came with the room, this player's coin included. */
	world->rooms[number]->ledger -= player->coin;
	player->watching = saved_number(text, "watching", 0) != 0;
	saved_read_place(player, text);
	return player;
}
