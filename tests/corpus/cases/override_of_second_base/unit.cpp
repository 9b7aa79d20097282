#include <cstddef>
#include <cstdio>

struct actor {
	virtual ~actor() {}
	virtual int hit(int value) { return value; }
};

struct stored {
	virtual int save() { return 7; }
	virtual int load() { return 8; }
};

struct orc : actor, stored {
	int hit(int value) override { return value * 2; }
};

static orc *living = new orc;

extern "C" void play(int value, char *out, size_t size)
{
	actor *a = living;
	stored *s = living;

	snprintf(out, size, "%d %d %d", a->hit(value), s->save(), s->load());
}
