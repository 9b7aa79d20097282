/*
 * Entries with something around them: functions shorter than a jump with another right behind, a
 * second symbol within the first bytes, a branch from elsewhere into them.
 *
 * The second symbol is made by the linker (--defsym), the branch is in surroundings_enter.c.
 *
 *   tiny, last, labelled, entered, between, behind   → what the function makes of 7
 */
#include "lines.h"

__attribute__((noinline)) int tiny(int x)
{
	return x * 2;
}

__attribute__((noinline)) int behind(int x)
{
	return x * 1000039 + x / 9;
}

__attribute__((noinline)) int labelled(int x)
{
	return x * 1000003 + 5;
}

__attribute__((noinline)) int entered(int x)
{
	return x * 1000033 + 4;
}

/* Stands between, so that what is patched does not need the same bytes. */
__attribute__((noinline)) int between(int x)
{
	return x * 1000037 + x / 7;
}

__attribute__((noinline)) int last(int x)
{
	return x * 4;
}

int main(void)
{
	static const struct {
		const char *name;
		int (*function)(int);
	} functions[] = {{"tiny", tiny},
			 {"labelled", labelled},
			 {"entered", entered},
			 {"between", between},
			 {"behind", behind},
			 {"last", last}};
	char line[64];

	while (lines_next(line, sizeof(line)))
		for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++)
			if (strcmp(line, functions[i].name) == 0)
				lines_answer("%d", functions[i].function(7));
	return 0;
}
