/*
 * Player: creating one, walking, and telling it news. Everything here is called with the lock of
 * the player's room held.
 */
#include "player.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conn.h"

int player_start_coin = 100;

struct player *player_create(const char *name, unsigned int id, struct conn *conn)
{
	struct player *player = calloc(1, sizeof(*player));

	if (!player)
		return NULL;
	player->coin = player_start_coin;
	player->id = id;
	snprintf(player->name, sizeof(player->name), "%s", name);
	player->conn = conn;
	player->offered = -1;
	return player;
}

void player_destroy(struct player *player)
{
	free(player);
}

int player_walk_to(struct player *player, int x, int y)
{
	struct path_field field;
	int steps;

	path_flood(&field, x, y);
	steps = path_steps(&field, player->x, player->y);
	if (steps == PATH_UNREACHED)
		return steps;
	player->walk = field;
	player->walking = steps > 0;
	player->steps = 0;
	return steps;
}

void **player_reference(struct player *player)
{
	return (void **)&player->conn->player;
}

void player_tick(struct player *player)
{
	if (!player->walking)
		return;
	if (!path_next(&player->walk, &player->x, &player->y)) {
		player->walking = false;
		player_tell(player, "stuck %d %d", player->x, player->y);
		return;
	}
	player->steps++;
	player_tell(player, "at %d %d", player->x, player->y);
	if (path_steps(&player->walk, player->x, player->y) == 0) {
		player->walking = false;
		player_tell(player, "arrived %d %d steps=%d", player->x, player->y, player->steps);
	}
}

void player_tell(struct player *player, const char *format, ...)
{
	char text[128] = "* ";
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = vsnprintf(text + 2, sizeof(text) - 3, format, arguments);
	va_end(arguments);
	if (length < 0)
		return;
	length = (int)strlen(text);
	text[length++] = '\n';
	conn_send(player->conn, text, (size_t)length);
}
