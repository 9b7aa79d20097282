#include <stdio.h>
#include <string.h>

__attribute__((noinline)) static int kind(int value, int *left)
{
	switch (value) {
	case 0:
		return *left += 3;
	case 1:
		return left[0] * 7;
	case 2:
		return left[0] ^ 9;
	case 3:
		return -left[0];
	case 4:
		return left[0] << 3;
	case 5:
		return left[0] / 3;
	case 6:
		return left[0] + 100;
	case 7:
		return left[0] % 5;
	}
	return 0;
}

static const char other[] = "SQLite format 3";

/* Compared in registers: nothing refers to the string that clang leaves. */
__attribute__((noinline)) static int is_ours(const char *head)
{
	if (head[15] == 1 && memcmp(head + 16, other, 16) == 0)
		return 2;
	return memcmp(head, "SQLite format 3", 16) == 0;
}

void play(int value, char *out, size_t size)
{
	char head[32] = "SQLite format 2";
	int left = value * 2;

	snprintf(out, size, "%d %d", kind(value, &left), is_ours(head));
}
