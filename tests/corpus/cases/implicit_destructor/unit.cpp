#include <cstddef>
#include <cstdio>
#include <stdexcept>

/* Nobody wrote its destructor: it is virtual, and only what throws one calls it. */
struct failure : std::runtime_error {
	using std::runtime_error::runtime_error;
	int code = 7;
};

__attribute__((noinline)) static int thrower(int value)
{
	if (value > 50)
		throw failure("too much");
	return value;
}

extern "C" void play(int value, char *out, size_t size)
{
	try {
		snprintf(out, size, "%d", thrower(value));
	} catch (const failure &caught) {
		snprintf(out, size, "%s %d", caught.what(), caught.code);
	} catch (const std::exception &caught) {
		snprintf(out, size, "%s", caught.what());
	}
}
