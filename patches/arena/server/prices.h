/*
 * Prices: a new price table for the shop while players buy, by `suture call reload-prices FILE`.
 */
#ifndef ARENA_PRICES_H
#define ARENA_PRICES_H

/* Registers the command; without an agent nothing happens. */
void prices_register(void);

#endif
