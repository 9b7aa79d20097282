#include <cstddef>
#include <cstdio>
#include <functional>
#include <map>
#include <memory>
#include <thread>
#include <unistd.h>

struct task {
	virtual ~task() = default;
	virtual int run(int v) = 0;
};

template <typename F> struct task_of : task {
	F f;
	explicit task_of(F given) : f(given)
	{
	}
	int run(int v) override
	{
		return f(v);
	}
};

template <typename F> static std::shared_ptr<task> wrap(F f)
{
	return std::make_shared<task_of<F>>(f);
}

static std::map<int, std::function<int(int)>> callbacks;
static std::shared_ptr<task> job;
static std::thread worker;
static void *user;
static int (*hook)(void *, int);

static void put_map(int a, int b)
{
	callbacks[1] = [a](int v) {
		return v + a;
	};
	(void)b;
}

static void put_thread(int a, int b)
{
	worker = std::thread([a] {
		printf("%d", a & 0);
	});
	worker.join();
	(void)b;
}

static int put_static(int a, int b)
{
	static auto sum = [a](int v) {
		return v + a;
	};

	return sum(b);
}

static void put_shared(int a, int b)
{
	job = wrap([a](int v) {
		return v * a;
	});
	(void)b;
}

template <typename F> static int call(void *f, int v)
{
	return (*static_cast<F *>(f))(v);
}

template <typename F> static void put_hook(F *f)
{
	hook = call<F>;
	user = f;
}

static void put_callback(int a, int b)
{
	auto f = [a](int v) {
		return v - a;
	};

	put_hook(new auto(f));
	(void)b;
}

static int put_pointer(int a, int b)
{
	auto f = [a](int v) {
		return v - a;
	};
	auto *p = &f;

	return (*p)(b);
}

template <typename F> static int counted(F f)
{
	static int count = 0;

	count++;
	return count * 1000 + f(count);
}

static int put_state(int a, int b)
{
	return counted([a](int v) {
		return v + a;
	}) + b;
}

static int put_member(int a, int b)
{
	auto f = [a](int v) {
		return v + a;
	};
	struct box {
		decltype(f) *inside;
		int more;
	} box = {&f, b};

	return (*box.inside)(box.more);
}

static int put_cast(int a, int b)
{
	auto f = [a](int v) {
		return v - 3 * a;
	};
	int (*direct)(void *, int) = [](void *p, int v) {
		return (*static_cast<decltype(f) *>(p))(v);
	};
	auto *p = static_cast<void *>(&f);

	if (getpid() < 0)
		hook = direct;
	return direct(p, b);
}

extern "C" void play(int value, char *out, size_t size)
{
	if (callbacks.empty()) {
		put_map(1, 2);
		put_thread(1, 2);
		put_shared(1, 2);
		put_callback(1, 2);
	}
	snprintf(out, size, "%d %d %d %d %d %d %d %d", callbacks[1](value), put_static(1, value),
		 job->run(value), hook(user, value), put_pointer(1, value), put_state(1, value),
		 put_member(1, value), put_cast(1, value));
}
