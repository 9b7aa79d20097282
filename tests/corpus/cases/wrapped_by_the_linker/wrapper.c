int __real_twice(int value);
int __wrap_twice(int value);

int twice(int value)
{
	return value * 2;
}

int __wrap_twice(int value)
{
	return __real_twice(value) + 100;
}
