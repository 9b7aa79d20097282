const int limits[2] = {900, 901};

int bonus(int value)
{
	return value + 100;
}

int extra(int value)
{
	return value ? 0 : 7;
}
