#include <cstddef>
#include <cstdio>
#include <cstring>


struct shape {
	virtual ~shape() {}
	virtual int area(int) const { return 1; }
};

struct square : shape {
	int area(int value) const override
	{
		return value * value;
	}
};

static shape *current = new square;

extern "C" void play(int value, char *out, size_t size)
{
	shape *again = new square;

	snprintf(out, size, "%d %d", current->area(value),
	         *(void **)again == *(void **)current ? again->area(value) : -1);
	delete again;
}
