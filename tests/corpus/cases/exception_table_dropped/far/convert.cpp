#include <stdexcept>

void check(int value)
{
	if (value < 0)
		throw std::runtime_error("negative");
}

int far_first(int value)
{
	try {
		check(value);
	} catch (...) {
		return -3;
	}
	return value;
}

int far_second(int value)
{
	int sum = 0;

	for (int i = 0; i < 2; i++) {
		try {
			check(value - i);
			sum += 10;
		} catch (const std::runtime_error &) {
			sum++;
		} catch (const std::logic_error &) {
			sum += 100;
		}
	}
	return sum;
}
