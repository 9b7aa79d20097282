#include <stdio.h>

/* Compilers count such loops from one place before the string to its start (gcc -O2) … */
__attribute__((noinline)) static int common_end(const char *text, size_t length)
{
	int same = 0;

	while (length && text[length - 1] == "and the other thing"[length - 1]) {
		length--;
		same++;
	}
	return same;
}

/* … and up to the place behind it (clang -O2). */
__attribute__((noinline)) static unsigned sum(void)
{
	const char *text = "what is summed";
	unsigned total = 0;

	for (const char *end = text + sizeof("what is summed"); text < end; text++)
		total = total * 7 + (unsigned char)*text;
	return total;
}

void play(int value, char *out, size_t size)
{
	char text[] = "xxx the other thing";

	snprintf(out, size, "%d %u", common_end(text, sizeof(text) - 1 - (value > 5)) + value, sum() % 1000);
}
