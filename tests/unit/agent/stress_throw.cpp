/* SPDX-License-Identifier: MIT */
/* Takes the unwinder's and the allocator's locks: see stress.c. */
#include <stdexcept>
#include <string>

extern "C" int stress_throw(int x)
{
	try {
		if (x >= 0)
			throw std::runtime_error(std::string(64, 'x'));
	} catch (const std::exception &e) {
		return e.what()[0] == 'x';
	}
	return 0;
}
