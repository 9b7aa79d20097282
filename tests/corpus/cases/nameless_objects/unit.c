#include <stdio.h>

/* What runs at start, as large programs list it: objects without a name, which the linker collects. */
struct call {
	void (*function)(void *, int);
	void *argument;
};

extern const struct call *__start_calls[];
extern const struct call *__stop_calls[];

#define CALL(number, function, argument)                                                       \
	static const struct call *call_##number __attribute__((used, section("calls"))) =      \
		&(const struct call){(void (*)(void *, int))(function), (argument)}

struct box {
	int value;
};
static struct box first = {1};

static struct box *second = &(struct box){2};
static struct box *third = &(struct box){3};

static void add(struct box *box, int value)
{
	box->value += value;
}

static void add_twice(struct box *box, int value)
{
	box->value += 2 * value;
}

CALL(10, add, &first);
CALL(20, add_twice, &first);

__attribute__((noinline)) static int total(int value)
{
	for (const struct call **call = __start_calls; call < __stop_calls; call++)
		(*call)->function((*call)->argument, value);
	second->value += value;
	third->value += 10 * value;
	if (value == 77) { /* else the compiler sees that nobody writes them */
		second = &first;
		third = &first;
	}
	return first.value + 1000 * second->value + 100000 * third->value;
}

void play(int value, char *out, size_t size)
{
	int result = total(value);

	snprintf(out, size, "%d", result);
}
