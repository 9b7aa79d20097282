static int calls;

int other(int value)
{
	return value + ++calls;
}
