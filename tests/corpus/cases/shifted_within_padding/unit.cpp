#include <cstddef>
#include <cstdio>
#include <stdexcept>

/*
 * Behind a function of one block of 16 bytes, so that careful() begins in the middle of 32 in the
 * program, and at their start in a section of its own: the padding in it is another one then, and
 * what follows stands at the same place again.
 */
extern "C" __attribute__((aligned(32), noinline)) void block(void)
{
}

__attribute__((noinline)) int deep(void);

extern "C" __attribute__((aligned(16), noinline)) int careful(void)
{
	int result;

	try {
		asm volatile(".p2align 4\n\txorl %%edx, %%edx\n\txorl %%edx, %%edx\n\t"
			     "xorl %%edx, %%edx\n\txorl %%edx, %%edx\n\t.p2align 5,,10\n\t"
			     "xorl %%edx, %%edx\n\txorl %%edx, %%edx\n\txorl %%edx, %%edx"
			     ::: "edx");
		result = deep();
		asm volatile(".p2align 4");
	} catch (const std::runtime_error &) {
		result = -1;
	}
	return result;
}

static int depth;

int deep(void)
{
	if (depth > 50)
		throw std::runtime_error("deep");
	return depth;
}

extern "C" void play(int value, char *out, size_t size)
{
	depth = value;
	snprintf(out, size, "%d", careful());
}
