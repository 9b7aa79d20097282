#include <stdio.h>

/*
 * A table of commands that other files may read. Numbers and addresses in it change in place, and who has
 * kept the address of an entry sees them too; in the patch's code a function stays what it was.
 */
struct command {
	const char *name;
	int (*run)(int value);
	int arity;
	short level;
};

static int twice(int value)
{
	return value * 2;
}

static int thrice(int value)
{
	return value * 3;
}

extern const struct command commands[3];
const struct command commands[3] = {
	{"twice", twice, 1, 7},
	{"thrice", thrice, 1, 8},
	{"twice again", twice, 3, 9},
};
static const struct command *volatile kept[2];

void play(int value, char *out, size_t size)
{
	if (!kept[0]) {
		kept[0] = &commands[1];
		kept[1] = &commands[2];
	}
	snprintf(out, size, "%s %d %d %d, %s %d %d", kept[0]->name, kept[0]->run(value), kept[0]->arity,
		 kept[0]->level, kept[1]->name, kept[1]->arity, kept[1]->run(value));
}
