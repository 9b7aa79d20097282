int helper(int value);
int dropped(int value);

int dropped(int value)
{
	return helper(value) * 2;
}
