#include <cstdio>

template <typename F> struct box {
	F made;
	int uses;
};

template <typename F> struct crate {
	F made;
	float uses;
};

template <typename F> box<F> pack(F made)
{
	return {made, 1};
}

template <typename F> crate<F> pack_well(F made)
{
	return {made, 1};
}

static struct {
	int value;
	int more;
} whole;
static thread_local int own;

extern "C" void play(int value, char *out, size_t size)
{
	static auto packed = pack([by = 1](int v) mutable { return by += v; });
	static thread_local int inner;

	whole.value += value;
	own += value;
	inner += value;
	snprintf(out, size, "%d", int(whole.value + own + inner + packed.made(value) + packed.uses));
}
