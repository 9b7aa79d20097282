/*
 * Trade: gifts, and sales between players. No coin may appear or vanish here, so the room's ledger
 * is not touched. Only the network thread trades, with the lock of the room held.
 */
#include "trade.h"

#include <stdbool.h>
#include <stddef.h>

#include "log.h"
#include "player.h"
#include "room.h"
#include "shop.h"

/* Pays from one player to another; both are in the same room. */
static const char *trade_move_coin(struct player *from, struct player *to, int amount)
{
	int from_coin = from->coin;
	int to_coin = to->coin;

	if (amount > from_coin) {
		log_debug("%s can't pay %d, has %d", from->name, amount, from_coin);
		return "no-coin";
	}
	if (to_coin > PLAYER_COIN_MAX - amount) {
		log_debug("%s can't hold %d more", to->name, amount);
		return "purse-full";
	}
	from->coin = from_coin - amount;
	to->coin = to_coin + amount;
	log_debug("%s pays %d to %s", from->name, amount, to->name);
	return NULL;
}

const char *trade_gift(struct player *giver, const char *to, int amount)
{
	struct player *receiver = room_find_player(giver->room, to);
	const char *wrong;

	if (!receiver)
		return "no-player";
	wrong = trade_move_coin(giver, receiver, amount);
	if (wrong)
		return wrong;
	if (receiver != giver)
		player_tell(receiver, "trade %s %d coin=%d", giver->name, amount, receiver->coin);
	return NULL;
}

const char *trade_offer(struct player *seller, int item, int price)
{
	if (seller->offered >= 0)
		return "offered-already";
	if (seller->bag[item] < 1)
		return "no-item";
	seller->bag[item]--;
	seller->offered = item;
	seller->offered_price = price;
	return NULL;
}

const char *trade_withdraw(struct player *seller)
{
	if (seller->offered < 0)
		return "no-offer";
	if (seller->bag[seller->offered] >= SHOP_BAG_MAX)
		return "bag-full";
	seller->bag[seller->offered]++;
	seller->offered = -1;
	return NULL;
}

const char *trade_accept(struct player *buyer, const char *from, int *item, int *price)
{
	struct player *seller = room_find_player(buyer->room, from);
	const char *wrong;

	if (!seller)
		return "no-player";
	if (seller->offered < 0)
		return "no-offer";
	if (buyer->bag[seller->offered] >= SHOP_BAG_MAX)
		return "bag-full";
	wrong = trade_move_coin(buyer, seller, seller->offered_price);
	if (wrong)
		return wrong;
	*item = seller->offered;
	*price = seller->offered_price;
	buyer->bag[*item]++;
	seller->offered = -1;
	if (seller != buyer)
		player_tell(seller, "sold %s %s %d coin=%d", shop_name(*item), buyer->name, *price,
		            seller->coin);
	return NULL;
}
