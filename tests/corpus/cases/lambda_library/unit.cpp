#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <functional>
#include <map>
#include <string>
#include <thread>
#include <vector>

static std::map<std::string, std::function<int(const std::string &, int)>> table;
static std::vector<int> values;

static void fill(const std::string &key)
{
	table[key] = [](const std::string &name, int v) { return v + (int)name.size(); };
	table[key + "x"] = [key](const std::string &, int v) {
		static int calls;

		return v * 10 + (int)key.size() + 1000 * ++calls;
	};
}

extern "C" void play(int value, char *out, size_t size)
{
	int seen = 0;

	if (table.empty())
		fill("ab");
	values = {3, 1, 2, 5, 4, 9, 7, 8, 6, 20, 19, 18, 17, 16, 15, 14, 13, 12, 11, 10};
	std::sort(values.begin(), values.end(), [](int a, int b) { return a > b; });
	std::thread([&seen] { seen = values[0]; }).join();
	snprintf(out, size, "%d %d %d %d", table["ab"]("abc", value), table["abx"]("", value),
		 values[0], seen);
}
