namespace game {
inline namespace v1 {
template <class T> struct Pool {
	static inline int live = 3;
	__attribute__((noinline)) static int take(int count) { return live += count; }
};
} // namespace v1

__attribute__((noinline)) inline int ticket()
{
	static long next = 100;

	return static_cast<int>(next++);
}
} // namespace game

int elsewhere(int value);
