#include <functional>

inline std::function<int(int)> give(int a)
{
	return [a](int v) { return v + a; };
}
