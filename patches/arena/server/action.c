/*
 * Action: reads the words of a request, asks the part of the game that knows, and says how it
 * went. No rule of the game is decided here.
 */
#include "action.h"

#include <string.h>

#include "command.h"
#include "leaderboard.h"
#include "path.h"
#include "player.h"
#include "protocol.h"
#include "room.h"
#include "shop.h"
#include "trade.h"

enum { ACTION_AMOUNT_MAX = 1000000, ACTION_NAMES_MAX = 200 };

static bool action_read_cell(struct request *request, int *x, int *y)
{
	if (!protocol_number(request->word[1], 0, MAP_WIDTH - 1, x) ||
	    !protocol_number(request->word[2], 0, MAP_HEIGHT - 1, y)) {
		command_refuse(request, "bad-number");
		return false;
	}
	if (!map_is_open(*x, *y)) {
		command_refuse(request, "wall");
		return false;
	}
	return true;
}

void action_move(struct request *request)
{
	int steps;
	int x;
	int y;

	if (!action_read_cell(request, &x, &y))
		return;
	steps = player_walk_to(request->player, x, y);
	if (steps == PATH_UNREACHED)
		command_refuse(request, "unreachable");
	else
		reply_add(request->reply, "ok move steps=%d\n", steps);
}

void action_path(struct request *request)
{
	struct path_field field;
	int steps;
	int x;
	int y;

	if (!action_read_cell(request, &x, &y))
		return;
	path_flood(&field, x, y);
	steps = path_steps(&field, request->player->x, request->player->y);
	if (steps == PATH_UNREACHED)
		command_refuse(request, "unreachable");
	else
		reply_add(request->reply, "ok path steps=%d\n", steps);
}

void action_stop(struct request *request)
{
	struct player *player = request->player;

	player->walking = false;
	reply_add(request->reply, "ok stop x=%d y=%d\n", player->x, player->y);
}

void action_look(struct request *request)
{
	struct player *player = request->player;

	reply_add(request->reply, "ok look room=%d x=%d y=%d coin=%d players=%d rows=%d\n",
	          player->room->number, player->x, player->y, player->coin,
	          player->room->player_count, MAP_HEIGHT);
	room_draw(player->room, player, request->reply);
}

void action_who(struct request *request)
{
	const struct room *room = request->player->room;

	reply_add(request->reply, "ok who n=%d", room->player_count);
	for (int i = 0; i < room->player_count && i < ACTION_NAMES_MAX; i++)
		reply_add(request->reply, " %s", room->players[i]->name);
	reply_add(request->reply, "\n");
}

/* Words: ITEM [COUNT]. */
static bool action_read_goods(struct request *request, int *item, int *count)
{
	*count = 1;
	*item = shop_find(request->word[1]);
	if (*item < 0) {
		command_refuse(request, "unknown-item");
		return false;
	}
	if (request->words > 2 && !protocol_number(request->word[2], 1, SHOP_BAG_MAX, count)) {
		command_refuse(request, "bad-number");
		return false;
	}
	return true;
}

void action_buy(struct request *request)
{
	const char *wrong;
	int count;
	int price;
	int item;

	if (!action_read_goods(request, &item, &count))
		return;
	wrong = shop_buy(request->player, item, count, &price);
	if (wrong)
		command_refuse(request, wrong);
	else
		reply_add(request->reply, "ok buy %s n=%d price=%d coin=%d\n", shop_name(item),
		          count, price, request->player->coin);
}

void action_sell(struct request *request)
{
	const char *wrong;
	int count;
	int price;
	int item;

	if (!action_read_goods(request, &item, &count))
		return;
	wrong = shop_sell(request->player, item, count, &price);
	if (wrong)
		command_refuse(request, wrong);
	else
		reply_add(request->reply, "ok sell %s n=%d price=%d coin=%d\n", shop_name(item),
		          count, price, request->player->coin);
}

void action_inventory(struct request *request)
{
	const struct player *player = request->player;

	reply_add(request->reply, "ok inventory coin=%d", player->coin);
	for (int item = 0; shop_name(item); item++)
		reply_add(request->reply, " %s=%d", shop_name(item), player->bag[item]);
	if (player->offered >= 0)
		reply_add(request->reply, " offer=%s:%d", shop_name(player->offered),
		          player->offered_price);
	reply_add(request->reply, "\n");
}

void action_trade(struct request *request)
{
	const char *wrong;
	int amount;

	if (!protocol_number(request->word[2], 1, ACTION_AMOUNT_MAX, &amount)) {
		command_refuse(request, "bad-number");
		return;
	}
	wrong = trade_gift(request->player, request->word[1], amount);
	if (wrong)
		command_refuse(request, wrong);
	else
		reply_add(request->reply, "ok trade %s %d coin=%d\n", request->word[1], amount,
		          request->player->coin);
}

void action_offer(struct request *request)
{
	const char *wrong;
	int price;
	int item = shop_find(request->word[1]);

	if (item < 0) {
		command_refuse(request, "unknown-item");
		return;
	}
	if (!protocol_number(request->word[2], 1, ACTION_AMOUNT_MAX, &price)) {
		command_refuse(request, "bad-number");
		return;
	}
	wrong = trade_offer(request->player, item, price);
	if (wrong)
		command_refuse(request, wrong);
	else
		reply_add(request->reply, "ok offer %s price=%d\n", shop_name(item), price);
}

void action_withdraw(struct request *request)
{
	const char *wrong = trade_withdraw(request->player);

	if (wrong)
		command_refuse(request, wrong);
	else
		reply_add(request->reply, "ok withdraw\n");
}

void action_accept(struct request *request)
{
	const char *wrong;
	int price;
	int item;

	wrong = trade_accept(request->player, request->word[1], &item, &price);
	if (wrong)
		command_refuse(request, wrong);
	else
		reply_add(request->reply, "ok accept %s %s %d coin=%d\n", request->word[1],
		          shop_name(item), price, request->player->coin);
}

void action_leaderboard(struct request *request)
{
	leaderboard_show(request->player->room, request->reply);
}

void action_match(struct request *request)
{
	const struct room *room = request->player->room;

	reply_add(request->reply, "ok match id=%s left=%lld\n", room->match,
	          room->match_ends ? (long long)(room->match_ends - room->tick) : -1);
}

void action_watch(struct request *request)
{
	bool on = strcmp(request->word[1], "on") == 0;

	if (!on && strcmp(request->word[1], "off") != 0) {
		command_refuse(request, "usage");
		return;
	}
	request->player->watching = on;
	reply_add(request->reply, "ok watch %s\n", request->word[1]);
}
