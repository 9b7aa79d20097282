/*
 * clang 14 keeps `found` elsewhere in ask() when it is to tell where variables are: with -g it makes
 * other code of that one function.
 */
#include <cstdio>
#include <functional>

struct block {
	block *next;
	char data[64];
};

struct pool {
	block *root;
	explicit pool(block *root) : root(root) {}
	void release()
	{
		block *at = root;

		while (at->next) {
			block *next = at->next;

			give(at);
			at = next;
		}
	}
	static void (*give)(void *);
};

struct work {
	block blocks[2];
	pool first, second;
	pool *in;
	bool full;

	work() : first(blocks), second(blocks + 1), in(&first), full(false)
	{
		blocks[0].next = blocks[1].next = nullptr;
	}
	~work()
	{
		first.release();
		second.release();
	}
};

struct node {
	virtual double value(int at, pool *in);
};

void (*pool::give)(void *);
static node *root;

double node::value(int at, pool *in)
{
	return in->root->next ? 0 : at;
}

__attribute__((noinline)) static double ask(int at)
{
	if (!root)
		return 0;

	work work;
	double found = root->value(at, work.in);

	if (work.full)
		throw at;
	static int asked;

	return found + ++asked;
}

static int count(int value)
{
	if (value > 10) {
		static int calls;

		return calls += value;
	}
	static int calls;

	return ++calls;
}

extern "C" void play(int value, char *out, size_t size)
{
	static node here;
	static std::function<int(int)> kept;

	if (!kept)
		kept = [](int v) { return v * 10; };
	root = &here;
	snprintf(out, size, "%g %d %d", ask(value), count(value), kept(value));
}
