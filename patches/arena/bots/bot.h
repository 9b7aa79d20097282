/*
 * Bot: a client that plays honestly, and knows beforehand what the server has to answer. Its model
 * is its own purse, bag, place and walk; the server's lines come in the order in which things
 * happened, so the model is exact at every line.
 */
#ifndef ARENA_BOT_H
#define ARENA_BOT_H

#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "client.h"
#include "floor.h"
#include "mood.h"

/* What all bots share. Prices may change while they play; then the shop has to say so. */
struct BotWorld {
	Floor floor;
	std::vector<std::string> items;
	std::map<std::string, long long> prices;
	int tick_hz = 20;
	unsigned pace_ms = 100;
	std::vector<std::vector<std::string>> names; /* of the bots, by room */
	std::string name_prefix;
};

class Bot : public Client
{
      public:
	Bot(std::string name, int room, bool watches, int port, BotWorld &world, Tally &tally);

	void join();
	void think(uint64_t now_us) override;

	/* The end in steps; each is over for a bot that is not waiting any more. */
	void stop_playing()
	{
		playing_ = false;
	}
	void take_stock(); /* stands still */
	void show_stock(); /* checks the whole purse and bag */
	void leave();

	int room() const
	{
		return room_;
	}
	Cell place() const
	{
		return place_;
	}
	long long coin() const
	{
		return coin_;
	}
	bool has_joined() const
	{
		return joined_;
	}

      protected:
	void on_reply(const Reply &reply) override;
	void on_news(const Line &line) override;

      private:
	/* One kind of request: asks it, and checks the answer to the request that it asked. */
	using Check = void (Bot::*)(const Reply &reply);

	void ask_for(const std::string &request, Check check);
	void choose_by_mood();
	void choose(int dice);
	void choose_trade();
	void choose_nonsense();

	void check_greeting(const Reply &reply);
	void check_join(const Reply &reply);
	void check_watch(const Reply &reply);
	void check_move(const Reply &reply);
	void check_path(const Reply &reply);
	void check_stop(const Reply &reply);
	void check_buy(const Reply &reply);
	void check_sell(const Reply &reply);
	void check_shop(const Reply &reply);
	void check_inventory(const Reply &reply);
	void check_gift(const Reply &reply);
	void check_offer(const Reply &reply);
	void check_withdraw(const Reply &reply);
	void check_accept(const Reply &reply);
	void check_leaderboard(const Reply &reply);
	void check_look(const Reply &reply);
	void check_who(const Reply &reply);
	void check_ping(const Reply &reply);
	void check_refusal(const Reply &reply);
	void check_bye(const Reply &reply);

	void step_to(Cell next);
	void earn(long long amount, const Line &line);
	void expect_price(const Line &line, long long each, long long known);
	int roll(int least, int most);

	BotWorld &world_;
	std::mt19937 random_;
	std::unique_ptr<Mood> mood_;
	int room_;
	bool watches_;
	bool joined_ = false;
	bool playing_ = true;
	uint64_t next_us_ = 0;
	uint64_t next_trade_us_ = 0;

	Check check_ = &Bot::check_greeting;

	/* What the request under way was about. */
	Cell asked_cell_;
	std::string asked_item_;
	long long asked_number_ = 0;
	std::string asked_code_;

	/* The model. */
	long long coin_ = 0;
	Cell place_;
	bool walking_ = false;
	Cell target_;
	long long walk_steps_ = 0;
	std::map<std::string, long long> bag_;
	std::string offered_; /* "" for nothing */
	long long offered_price_ = 0;
	std::string doubtful_item_;    /* paid for at a price that the shop has not confirmed */
	long long doubtful_price_ = 0; /* at least, for one */
	long long doubtful_known_ = 0; /* what it cost until then */

	uint64_t last_tick_us_ = 0;
	long long last_tick_ = 0;
};

#endif
