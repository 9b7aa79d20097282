__attribute__((noinline)) inline int next()
{
	static int count;

	return ++count;
}

inline int limit = 7;

int bump();
