#include <algorithm>
#include <vector>

inline int above(const std::vector<int> &v, int limit)
{
	return (int)std::count_if(v.begin(), v.end(), [limit](int x) {
		return x > limit;
	});
}
