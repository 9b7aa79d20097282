#include <cstddef>
#include <cstdio>

struct part {
	int number;
	explicit part(int value) : number(value) {}
	~part() { number = 0; }
};

static int released;

static void release(part *what)
{
	released += what->number;
}

/* At -O0 gcc leaves a nop for each way out, one behind the other, and jumps to each of them. */
__attribute__((noinline)) void drop(int kind, part *what)
{
	switch (kind) {
	case 0:
	case 1:
	case 2:
		break;
	case 4:
		if (what->number > 1)
			release(what);
		break;
	case 6:
	case 7:
		delete what;
		break;
	default:
		break;
	}
}

__attribute__((noinline)) static int twice(int value)
{
	return value * 2;
}

extern "C" void play(int value, char *out, size_t size)
{
	part four(value + 4);

	drop(4, &four);
	drop(6, new part(1));
	drop(7, nullptr);
	snprintf(out, size, "%d %d", twice(value), released > 0);
}
