/*
 * A server that labels what it works for, in C++, not linked to the agent. One thread; lines:
 *
 *   call             calls the patched function outside every scope   → its answer
 *   in KEY VALUE     the same in that scope                           → its answer
 *   enter KEY VALUE  stays in that scope from now on                  → entered
 *   leave            leaves the last one entered                      → left
 *   hand             another thread adopts the scope and calls        → its answer
 *   end KEY VALUE    the value is over                                → ended
 *   many KEY N       values 1 to N                                    → how many get the new code
 *   inside           a thread stays inside the patched function       → inside
 *   outside          it comes out                                     → its answer
 */
#include <atomic>
#include <string>
#include <thread>

#include "lines.h"

#include <suture/suture.h>

static std::atomic<bool> held, is_inside;
static thread_local bool sits;

extern "C" __attribute__((noinline)) int rule(int value)
{
	while (sits && held) {
		is_inside = true;
		std::this_thread::yield();
	}
	return value + 1;
}

static int within(const char *key, const char *value)
{
	suture_scope_enter(key, value);
	int answer = rule(0);
	suture_scope_leave();
	return answer;
}

static int handed_over()
{
	suture_scope scope = suture_scope_current();
	int answer = 0;
	std::thread worker([&] {
		suture_scope_adopt(&scope);
		answer = rule(0);
		suture_scope_leave();
	});

	worker.join();
	return answer;
}

int main()
{
	char line[256], key[64], value[64];
	std::thread sitter;
	int answer = 0, count;

	while (lines_next(line, sizeof(line))) {
		if (strcmp(line, "call") == 0) {
			lines_answer("%d", rule(0));
		} else if (sscanf(line, "in %63s %63s", key, value) == 2) {
			lines_answer("%d", within(key, value));
		} else if (sscanf(line, "enter %63s %63s", key, value) == 2) {
			suture_scope_enter(key, value);
			lines_answer("entered");
		} else if (strcmp(line, "leave") == 0) {
			suture_scope_leave();
			lines_answer("left");
		} else if (strcmp(line, "hand") == 0) {
			lines_answer("%d", handed_over());
		} else if (sscanf(line, "end %63s %63s", key, value) == 2) {
			suture_scope_end(key, value);
			lines_answer("ended");
		} else if (sscanf(line, "many %63s %d", key, &count) == 2) {
			int fresh = 0;

			for (int i = 1; i <= count; i++)
				fresh += within(key, std::to_string(i).c_str()) != 1;
			lines_answer("%d", fresh);
		} else if (strcmp(line, "inside") == 0) {
			held = true;
			sitter = std::thread([&] {
				sits = true;
				answer = rule(0);
			});
			while (!is_inside)
				std::this_thread::yield();
			lines_answer("inside");
		} else if (strcmp(line, "outside") == 0) {
			held = false;
			sitter.join();
			is_inside = false;
			lines_answer("%d", answer);
		} else {
			lines_answer("what?");
		}
	}
	return 0;
}
