static int seen = 100;

__attribute__((noinline)) static int step(int value)
{
	seen += value;
	return seen % 10000;
}

int red_count(int value);
int red_count(int value)
{
	return step(value) + 0;
}
