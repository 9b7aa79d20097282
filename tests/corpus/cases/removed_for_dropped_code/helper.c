int helper(int value)
{
	return value + 1;
}

int counted(int value)
{
	static int calls;

	return value + ++calls;
}
