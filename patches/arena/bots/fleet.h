/*
 * Fleet: all bots of a run on one thread, from the first connection to the last check.
 */
#ifndef ARENA_FLEET_H
#define ARENA_FLEET_H

#include <deque>
#include <memory>
#include <vector>

#include "bot.h"
#include "cheater.h"
#include "observer.h"
#include "options.h"

/* One bar of the latency strip: the longest of each within one status period. */
struct StripBar {
	uint64_t latency_us;
	uint64_t gap_us;
};

class Fleet
{
      public:
	/* Throws NoServer. */
	explicit Fleet(const Options &options);
	~Fleet();

	/* Plays until the time is over or *stop is set; *reset starts the figures again. */
	void run(volatile int *stop, volatile int *reset);

	const Options &options() const
	{
		return options_;
	}
	const BotWorld &world() const
	{
		return world_;
	}
	const Tally &tally() const
	{
		return tally_;
	}
	const Observer &observer() const
	{
		return *observer_;
	}
	const std::vector<std::unique_ptr<Bot>> &bots() const
	{
		return bots_;
	}
	const Cheater *cheater() const
	{
		return cheater_.get();
	}
	const std::deque<StripBar> &strip() const
	{
		return strip_;
	}
	size_t players() const; /* after the end: how many were there to say goodbye */
	double seconds_played() const;

      private:
	static constexpr unsigned status_period_ms = 125;
	static constexpr size_t strip_bars = 64;

	void learn_world();
	void connect_all();
	void add_to_epoll(Client &client);
	void turn(bool thinking);
	bool settle();
	void finish();
	void show_status(uint64_t now_us);
	void check_conservation();

	Options options_;
	BotWorld world_;
	Tally tally_;
	int epoll_fd_;
	std::vector<std::unique_ptr<Bot>> bots_;
	std::unique_ptr<Observer> observer_;
	std::unique_ptr<Cheater> cheater_;
	std::deque<StripBar> strip_;
	bool left_ = false;
	size_t players_at_end_ = 0;
	uint64_t started_us_ = 0;
	uint64_t ended_us_ = 0;
	uint64_t next_status_us_ = 0;
};

#endif
