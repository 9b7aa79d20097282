/*
 * Cheater: an exploit that is tried again and again beside the game, on a thread of its own.
 */
#ifndef ARENA_CHEATER_H
#define ARENA_CHEATER_H

#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>

class Cheater
{
      public:
	struct Result {
		std::string name;
		uint64_t attempts = 0;
		uint64_t successes = 0;
		bool known = false;   /* false until the first verdict */
		bool present = false; /* what the last verdict was */
		std::string detail;
		std::string trouble; /* why there was no verdict the last time */
	};

	Cheater(std::string name, int port);
	~Cheater();

	Result result() const;

      private:
	void run();

	int port_;
	mutable std::mutex lock_; /* guards result_ and stopping_ */
	std::condition_variable wake_;
	bool stopping_ = false;
	Result result_;
	std::thread thread_;
};

#endif
