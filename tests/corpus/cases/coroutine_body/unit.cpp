#include <cstddef>
#include <cstdio>
#include <cstring>
#include <coroutine>

struct task {
	struct promise_type {
		int value = 0;
		task get_return_object() { return {std::coroutine_handle<promise_type>::from_promise(*this)}; }
		std::suspend_always initial_suspend() noexcept { return {}; }
		std::suspend_always final_suspend() noexcept { return {}; }
		std::suspend_always yield_value(int v) { value = v; return {}; }
		void return_void() {}
		void unhandled_exception() {}
	};
	std::coroutine_handle<promise_type> handle;
};

task counter(int start)
{
	for (;;)
		co_yield start++;
}

extern "C" void play(int value, char *out, size_t size)
{
	static task t = counter(100);

	t.handle.resume();
	snprintf(out, size, "%d %d", t.handle.promise().value, value);
}
