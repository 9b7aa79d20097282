/*
 * Command: the table of what a client may say. A request by a player in a room is carried out and
 * answered under the room's lock, so that the answer and the news reach the client in the order in
 * which things happened.
 */
#include "command.h"

#include <stdio.h>
#include <string.h>

#include <suture/suture.h>

#include "action.h"
#include "conn.h"
#include "log.h"
#include "player.h"
#include "protocol.h"
#include "room.h"
#include "shop.h"
#include "stats.h"
#include "tick.h"
#include "world.h"

enum command_needs {
	NEEDS_NOTHING, /* answered with no room locked */
	NEEDS_PLAYER,  /* answered with the player's room locked */
};

struct command {
	const char *name;
	void (*answer)(struct request *request);
	enum command_needs needs;
	int least_words; /* its own included */
	int most_words;
	const char *usage;
};

static void command_help(struct request *request);

static void command_join(struct request *request)
{
	struct world *world = request->world;
	const char *name = request->word[1];
	const char *wrong = NULL;
	struct player *player;
	struct room *room;
	int number = 0;

	if (request->player) {
		command_refuse(request, "joined-already");
		return;
	}
	if (!protocol_is_name(name)) {
		command_refuse(request, "bad-name");
		return;
	}
	if (request->words > 2 &&
	    !protocol_number(request->word[2], 0, world->room_count - 1, &number)) {
		command_refuse(request, "no-room");
		return;
	}
	player = player_create(name, ++world->last_player_id, request->conn);
	if (!player) {
		command_refuse(request, "no-memory");
		return;
	}
	room = world->rooms[number];
	room_lock(room);
	if (room_find_player(room, name))
		wrong = "name-taken";
	else
		wrong = room_enter(room, player);
	if (!wrong) {
		reply_add(request->reply, "ok join id=%u room=%d x=%d y=%d coin=%d\n", player->id,
		          number, player->x, player->y, player->coin);
		/* Before the next tick can send the player its first news. */
		conn_send(request->conn, request->reply->text, request->reply->used);
		request->reply->used = 0;
	}
	room_unlock(room);
	if (wrong) {
		player_destroy(player);
		command_refuse(request, wrong);
		return;
	}
	request->conn->player = player;
	log_debug("%s joins room %d", name, number);
}

static void command_map(struct request *request)
{
	reply_add(request->reply, "ok map width=%d height=%d rows=%d\n", MAP_WIDTH, MAP_HEIGHT,
	          MAP_HEIGHT);
	room_draw(request->world->rooms[0], NULL, request->reply);
}

static void command_shop(struct request *request)
{
	shop_list(request->reply);
}

static void command_stats(struct request *request)
{
	if (request->words > 1 && strcmp(request->word[1], "reset") != 0) {
		command_refuse(request, "usage");
		return;
	}
	stats_show(request->world, request->reply);
	/* After showing: the answer is the last look at what is forgotten. */
	if (request->words > 1)
		tick_reset(request->world->ticks);
}

static void command_ping(struct request *request)
{
	reply_add(request->reply, "ok pong%s%s\n", request->words > 1 ? " " : "",
	          request->words > 1 ? request->word[1] : "");
}

static void command_quit(struct request *request)
{
	request->conn->closing = true;
	reply_add(request->reply, "ok bye\n");
}

static const struct command commands[] = {
        {"help", command_help, NEEDS_NOTHING, 1, 1, "help"},
        {"join", command_join, NEEDS_NOTHING, 2, 3, "join NAME [ROOM]"},
        {"map", command_map, NEEDS_NOTHING, 1, 1, "map"},
        {"look", action_look, NEEDS_PLAYER, 1, 1, "look"},
        {"who", action_who, NEEDS_PLAYER, 1, 1, "who"},
        {"move", action_move, NEEDS_PLAYER, 3, 3, "move X Y"},
        {"path", action_path, NEEDS_PLAYER, 3, 3, "path X Y"},
        {"stop", action_stop, NEEDS_PLAYER, 1, 1, "stop"},
        {"shop", command_shop, NEEDS_NOTHING, 1, 1, "shop"},
        {"buy", action_buy, NEEDS_PLAYER, 2, 3, "buy ITEM [COUNT]"},
        {"sell", action_sell, NEEDS_PLAYER, 2, 3, "sell ITEM [COUNT]"},
        {"inventory", action_inventory, NEEDS_PLAYER, 1, 1, "inventory"},
        {"trade", action_trade, NEEDS_PLAYER, 3, 3, "trade NAME COIN"},
        {"offer", action_offer, NEEDS_PLAYER, 3, 3, "offer ITEM COIN"},
        {"withdraw", action_withdraw, NEEDS_PLAYER, 1, 1, "withdraw"},
        {"accept", action_accept, NEEDS_PLAYER, 2, 2, "accept NAME"},
        {"leaderboard", action_leaderboard, NEEDS_PLAYER, 1, 1, "leaderboard"},
        {"match", action_match, NEEDS_PLAYER, 1, 1, "match"},
        {"watch", action_watch, NEEDS_PLAYER, 2, 2, "watch on|off"},
        {"stats", command_stats, NEEDS_NOTHING, 1, 2, "stats [reset]"},
        {"ping", command_ping, NEEDS_NOTHING, 1, 2, "ping [WORD]"},
        {"quit", command_quit, NEEDS_NOTHING, 1, 1, "quit"},
};

enum { COMMANDS = sizeof(commands) / sizeof(commands[0]) };

static void command_help(struct request *request)
{
	reply_add(request->reply, "ok help rows=%d\n", COMMANDS);
	for (int i = 0; i < COMMANDS; i++)
		reply_add(request->reply, "| %s\n", commands[i].usage);
}

void command_refuse(struct request *request, const char *code)
{
	static const struct {
		const char *code;
		const char *text;
	} texts[] = {
	        {"bad-name", "a name has 1 to 15 letters, digits, - or _"},
	        {"bad-number", "not a number that is allowed here"},
	        {"bag-full", "no room for that in the bag"},
	        {"join-first", "say join NAME first"},
	        {"line-too-long", "a request has at most 256 bytes"},
	        {"no-coin", "that costs more than there is"},
	        {"no-item", "there is none in the bag"},
	        {"no-offer", "nothing is up for sale"},
	        {"no-player", "no such player in this room"},
	        {"no-room", "no such room"},
	        {"unknown-command", "say help for what there is"},
	        {"unknown-item", "say shop for what there is"},
	        {"wall", "there is a wall"},
	};
	const char *text = "that is not possible";

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		if (strcmp(texts[i].code, code) == 0)
			text = texts[i].text;
	}
	reply_add(request->reply, "err %s %s\n", code, text);
}

static const struct command *command_find(const char *name)
{
	for (int i = 0; i < COMMANDS; i++) {
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	}
	return NULL;
}

static void command_carry_out(struct request *request)
{
	const struct command *command = command_find(request->word[0]);

	if (!command)
		command_refuse(request, "unknown-command");
	else if (request->words < command->least_words || request->words > command->most_words)
		reply_add(request->reply, "err usage %s\n", command->usage);
	else if (command->needs == NEEDS_PLAYER && !request->player)
		command_refuse(request, "join-first");
	else
		command->answer(request);
}

void command_greet(struct world *world, struct conn *conn)
{
	struct reply reply = {.used = 0};

	reply_add(&reply, "ok arena %d rooms=%d tick_hz=%d\n", PROTOCOL_VERSION, world->room_count,
	          world->tick_hz);
	conn_send(conn, reply.text, reply.used);
}

/* Commands that need no room may lock any of them: none is held while they are answered. */
static bool command_holds_room(const struct request *request)
{
	const struct command *command = request->words > 0 ? command_find(request->word[0]) : NULL;

	return request->player && command && command->needs == NEEDS_PLAYER;
}

void command_answer(struct world *world, struct conn *conn, char *line)
{
	char *words[PROTOCOL_WORDS_MAX];
	struct reply reply;
	struct request request = {
	        .world = world,
	        .conn = conn,
	        .player = conn->player,
	        .word = words,
	        .reply = &reply,
	};
	struct room *room = NULL;

	reply.used = 0;
	world->requests++;
	if (line)
		request.words = protocol_split(line, words);
	if (line && request.words == 0)
		return;
	if (command_holds_room(&request))
		room = request.player->room;
	if (room) {
		room_lock(room);
		suture_scope_enter("player", request.player->name);
	}
	if (!line)
		command_refuse(&request, "line-too-long");
	else if (request.words < 0)
		command_refuse(&request, "unknown-command");
	else
		command_carry_out(&request);
	if (reply.used)
		conn_send(conn, reply.text, reply.used);
	if (room) {
		suture_scope_leave();
		room_unlock(room);
	}
}

void command_leave(struct conn *conn)
{
	struct player *player = conn->player;
	struct room *room;

	if (!player)
		return;
	room = player->room;
	room_lock(room);
	room_leave(room, player);
	room_unlock(room);
	suture_scope_end("player", player->name);
	log_debug("%s leaves room %d", player->name, room->number);
	conn->player = NULL;
	player_destroy(player);
}
