/*
 * Trade: coin and items that go from one player to another in the same room.
 */
#ifndef ARENA_TRADE_H
#define ARENA_TRADE_H

struct player;

/*
 * All return NULL, or the code of what was wrong; then nothing has changed. The other player is
 * told the news.
 */
const char *trade_gift(struct player *giver, const char *to, int amount);

/* Puts one item up for sale; it leaves the bag until it is sold or taken back. */
const char *trade_offer(struct player *seller, int item, int price);
const char *trade_withdraw(struct player *seller);

/* Buys what the seller has put up. On success *item and *price say what it was. */
const char *trade_accept(struct player *buyer, const char *from, int *item, int *price);

#endif
