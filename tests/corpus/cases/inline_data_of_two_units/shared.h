#ifdef __clang__ /* whose default is older here than inline variables */
#pragma clang diagnostic ignored "-Wc++17-extensions"
#endif

/* Each file has a copy of what is inline, and the program one of them. */
struct command {
	const char *name;
	int (*run)(int value);
	int arity;
};

int twice(int value);
int thrice(int value);
inline const command commands[2] = {{"twice", twice, 1}, {"thrice", thrice, 2}};
inline int limit = 10;
inline const int prices[3] = {1, 2, 3};

int other(int value);
