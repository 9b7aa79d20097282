#include <cstddef>
#include <cstdio>
#include <string>

struct player {
	int coin;
	std::string name;
	explicit player(const char *n) : coin(3), name(n) {}
};

static player first("a");
player second("b");

extern "C" void play(int value, char *out, size_t size)
{
	first.coin += value;
	snprintf(out, size, "%d %s", first.coin + second.coin, first.name.c_str());
}
