#include "shared.h"

int twice(int value)
{
	return value * 2;
}

int thrice(int value)
{
	return value * 3;
}

int other(int value)
{
	limit += value;
	return commands[value & 1].run(value) * 100 + commands[value & 1].arity * 10 + prices[value & 1];
}
