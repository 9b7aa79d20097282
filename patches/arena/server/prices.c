/*
 * Prices: the table is read and checked while the game goes on, taken over at the safe point by one
 * store, and the old one is freed afterwards. A broken file changes
 * nothing.
 */
#include "prices.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <suture/suture.h>

#include "protocol.h"
#include "shop.h"

enum { PRICE_MAX = 1000000 };

struct prices {
	int price[SHOP_ITEMS_MAX];
};

/* "NAME,PRICE" into the table; each item once. */
static bool prices_read_line(struct suture_call *call, char *line, int number,
                             struct prices *prices)
{
	char *comma = strchr(line, ',');
	int item;

	line[strcspn(line, "\r\n")] = '\0';
	if (!*line || *line == '#')
		return true;
	if (!comma) {
		suture_answer(call, "line %d: not NAME,PRICE", number);
		return false;
	}
	*comma = '\0';
	item = shop_find(line);
	if (item < 0 || prices->price[item]) {
		suture_answer(call, "line %d: %s is %s", number, line,
		              item < 0 ? "not sold here" : "there twice");
		return false;
	}
	if (!protocol_number(comma + 1, 1, PRICE_MAX, &prices->price[item])) {
		suture_answer(call, "line %d: %s is no price", number, comma + 1);
		return false;
	}
	return true;
}

static bool prices_read(struct suture_call *call, FILE *file, struct prices *prices)
{
	char line[128];

	for (int number = 1; fgets(line, sizeof(line), file); number++)
		if (!prices_read_line(call, line, number, prices))
			return false;
	for (int item = 0; shop_name(item); item++)
		if (!prices->price[item]) {
			suture_answer(call, "%s has no price", shop_name(item));
			return false;
		}
	return true;
}

/* While the game goes on. */
static int prices_prepare(struct suture_call *call, void *arg)
{
	struct prices *prices;
	FILE *file;
	bool fine;

	(void)arg;
	if (call->argc != 1) {
		suture_answer(call, "usage: reload-prices FILE");
		return 2;
	}
	file = fopen(call->argv[0], "re");
	if (!file) {
		suture_answer(call, "%s: %s", call->argv[0], strerror(errno));
		return 1;
	}
	prices = calloc(1, sizeof(*prices));
	fine = prices && prices_read(call, file, prices);
	fclose(file);
	if (!fine) {
		free(prices);
		return 1;
	}
	call->data = prices;
	return 0;
}

/* At the safe point: no tick is under way. What was in force goes to the next step. */
static int prices_run(struct suture_call *call, void *arg)
{
	struct prices *fresh = call->data;

	(void)arg;
	/* The price is the first and only member. */
	call->data = (void *)(uintptr_t)shop_set_prices(fresh->price);
	suture_answer(call, "prices of %s are in force", call->argv[0]);
	return 0;
}

/*
 * While the game goes on. Whoever looks at prices stood at a safe point when they changed: nobody
 * has the old table in hand any more. The same frees a new table that never came into force.
 */
static int prices_finish(struct suture_call *call, void *arg)
{
	(void)arg;
	free(call->data);
	return 0;
}

void prices_register(void)
{
	static const struct suture_command command = {
	        .prepare = prices_prepare, .run = prices_run, .finish = prices_finish};

	suture_command_register_steps("reload-prices", &command, NULL);
}
