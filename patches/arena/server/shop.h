/*
 * Shop: what can be bought, and for how much. Selling gives back half of the price.
 */
#ifndef ARENA_SHOP_H
#define ARENA_SHOP_H

enum { SHOP_ITEMS_MAX = 8, SHOP_BAG_MAX = 99 };

struct player;
struct reply;

/* The item's number, or -1. Numbers index a player's bag. */
int shop_find(const char *name);
const char *shop_name(int item); /* NULL past the last one */
int shop_price(int item);

/*
 * Prices, by number of the item, that hold from now on; NULL: those the server was built with. Not
 * copied. Returns the former ones, which others may be reading until they come to a safe point.
 */
const int *shop_set_prices(const int *prices);

/*
 * Buying and selling return NULL, or the code of what was wrong; then nothing has changed.
 * On success *price is what was paid, or got, for all of them.
 */
const char *shop_buy(struct player *player, int item, int count, int *price);
const char *shop_sell(struct player *player, int item, int count, int *price);

void shop_list(struct reply *reply);

#endif
