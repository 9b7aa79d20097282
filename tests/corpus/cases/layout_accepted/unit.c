#include <stdio.h>
#include <stdlib.h>

struct player {
	int coin;
	int x;
	int y;
};

static struct player *first;

__attribute__((noinline)) int earn(struct player *player, int value)
{
	player->coin += value;
	return player->coin % 100000;
}

__attribute__((noinline)) int where(const struct player *player)
{
	return player->y * 1000 + 1;
}

static inline int spend(struct player *player, int value)
{
	return earn(player, -value);
}

__attribute__((noinline)) int turn(int value)
{
	return spend(first, value) + where(first);
}

void play(int value, char *out, size_t size)
{
	if (!first)
		first = calloc(1, sizeof(*first));
	snprintf(out, size, "%d", turn(value));
}
