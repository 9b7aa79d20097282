/*
 * Shop: the price table and the two ways through the till. Called with the lock of the player's
 * room held. Coin that comes from or goes to the shop is entered into the room's ledger.
 */
#include "shop.h"

#include <stdatomic.h>
#include <stddef.h>
#include <string.h>

#include "player.h"
#include "protocol.h"
#include "room.h"

struct shop_item {
	char name[12]; /* in the table itself: without pointers it is plain read-only data */
	int price;
};

static const struct shop_item shop_items[] = {
        {"potion", 6}, {"torch", 10}, {"shield", 30}, {"sword", 46}, {"crown", 250},
};

enum { SHOP_ITEMS = sizeof(shop_items) / sizeof(shop_items[0]) };

_Static_assert((int)SHOP_ITEMS <= (int)SHOP_ITEMS_MAX, "a bag holds every item");

/* A price for each item, which hold instead of the table's; NULL: none do. See prices.c. */
static const int *_Atomic shop_prices;

const int *shop_set_prices(const int *prices)
{
	return atomic_exchange_explicit(&shop_prices, prices, memory_order_acq_rel);
}

int shop_find(const char *name)
{
	for (int item = 0; item < SHOP_ITEMS; item++) {
		if (strcmp(shop_items[item].name, name) == 0)
			return item;
	}
	return -1;
}

const char *shop_name(int item)
{
	return item >= 0 && item < SHOP_ITEMS ? shop_items[item].name : NULL;
}

int shop_price(int item)
{
	const int *prices = atomic_load_explicit(&shop_prices, memory_order_acquire);

	if (prices)
		return prices[item];
	return shop_items[item].price;
}

const char *shop_buy(struct player *player, int item, int count, int *price)
{
	int total = shop_price(item) * count;

	if (player->bag[item] + count > SHOP_BAG_MAX)
		return "bag-full";
	if (player->coin < total)
		return "no-coin";
	player->bag[item] += count;
	player->coin -= total;
	player->room->ledger -= total;
	*price = total;
	return NULL;
}

const char *shop_sell(struct player *player, int item, int count, int *price)
{
	int total = shop_price(item) / 2 * count;

	if (player->bag[item] < count)
		return "no-item";
	if (player->coin > PLAYER_COIN_MAX - total)
		return "purse-full";
	player->bag[item] -= count;
	player->coin += total;
	player->room->ledger += total;
	*price = total;
	return NULL;
}

void shop_list(struct reply *reply)
{
	reply_add(reply, "ok shop rows=%d\n", SHOP_ITEMS);
	for (int item = 0; item < SHOP_ITEMS; item++)
		reply_add(reply, "| %s %d\n", shop_items[item].name, shop_price(item));
}
