#include <cstdio>

struct small { int value; };
struct large { int value; int more; };
using member = small;

template <class T> struct list {
	T *first;
	int count;
};

list<member> all;

extern "C" void play(int value, char *out, size_t size)
{
	all.count += value;
	snprintf(out, size, "%d", all.first ? all.first[value].value : all.count);
}
