#include <cstddef>
#include <cstdio>

struct actor {
	virtual ~actor() {}
	virtual int hit(int value) { return value; }
	virtual int weight() { return 70; }
};

struct orc : actor {
	int rage = 5;
	int hit(int value) override { return value * 2 + rage; }
};

struct chief : orc {
	int hit(int value) override { return value * 3; }
};

namespace {
struct goblin : actor {
	int hit(int value) override { return value + 1; }
};
}

static actor *living[] = {new orc, new chief, new goblin, new actor};

extern "C" void play(int value, char *out, size_t size)
{
	actor *again = new orc;

	snprintf(out, size, "%d %d, new %d", living[value & 3]->hit(value),
		 living[value & 3]->weight(), again->weight());
	delete again;
}
