#ifndef SHARED_H
#define SHARED_H

template <typename T> __attribute__((noinline)) T twice(T value)
{
	static int calls;

	calls++;
	return value * 2 + calls * 1000;
}

inline __attribute__((noinline)) int plus(int value)
{
	return value + 1;
}

int other(int value);

#endif
