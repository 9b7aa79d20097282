#include <stdlib.h>

int host_limit(int value);
int host_bonus(int value);

int library_work(int value)
{
	return host_limit(abs(value)) + 1;
}
