static int seen = 200;

__attribute__((noinline)) static int step(int value)
{
	seen += value;
	return seen % 10000;
}

int blue_count(int value);
int blue_count(int value)
{
	return step(value) + 0;
}
