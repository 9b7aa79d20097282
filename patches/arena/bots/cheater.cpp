/*
 * Cheater: trouble with one attempt doesn't end the game; it is shown and tried again with new
 * players.
 */
#include "cheater.h"

#include <chrono>

#include "exploit.h"

Cheater::Cheater(std::string name, int port) : port_(port)
{
	result_.name = std::move(name);
	thread_ = std::thread(&Cheater::run, this);
}

Cheater::~Cheater()
{
	{
		std::lock_guard<std::mutex> hold(lock_);

		stopping_ = true;
	}
	wake_.notify_all();
	thread_.join();
}

Cheater::Result Cheater::result() const
{
	std::lock_guard<std::mutex> hold(lock_);

	return result_;
}

void Cheater::run()
{
	std::unique_ptr<Exploit> exploit;
	std::unique_lock<std::mutex> hold(lock_);

	while (!stopping_) {
		Verdict verdict = {};
		std::string trouble;

		hold.unlock();
		try {
			if (!exploit)
				exploit = Exploit::create(result_.name, port_);
			verdict = exploit->attempt();
		} catch (const std::exception &error) {
			trouble = error.what();
			exploit.reset();
		}
		hold.lock();
		result_.trouble = trouble;
		if (trouble.empty()) {
			result_.attempts++;
			result_.successes += verdict.present;
			result_.present = verdict.present;
			result_.known = true;
			result_.detail = verdict.detail;
		}
		wake_.wait_for(hold, std::chrono::milliseconds(500), [&] { return stopping_; });
	}
}
