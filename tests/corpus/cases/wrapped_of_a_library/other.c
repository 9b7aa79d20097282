#include <stdio.h>
#include <stdlib.h>

int size_of(int value)
{
	char text[20];

	return snprintf(text, sizeof(text), "%d", value);
}
