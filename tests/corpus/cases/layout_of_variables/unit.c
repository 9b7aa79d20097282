#include <stdio.h>

struct player {
	int coin;
	int x;
};

struct team {
	struct player captain;
	int points;
};

struct player players[4] = {{.coin = 1, .x = 2}, {.coin = 3, .x = 4}};
struct player zero[3];
static struct team team = {.captain = {.coin = 5, .x = 6}};

__attribute__((noinline)) int earn(struct player *player, int value)
{
	player->coin += value;
	team.captain.x += player->x;
	zero[value & 1].x++;
	return player->coin + team.captain.coin + team.points;
}

void play(int value, char *out, size_t size)
{
	snprintf(out, size, "%d", earn(players, value) + zero[1].x);
}
