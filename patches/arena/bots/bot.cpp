/*
 * Bot: choosing what to do, and what happens without having been asked for. Whether the answers
 * are right is checked in bot_check.cpp.
 */
#include "bot.h"

#include <algorithm>

/* Honest players trade rarely: at most four times in 20 ticks, less than any limit. */
static constexpr unsigned bot_trade_ms = 700;

Bot::Bot(std::string name, int room, bool watches, int port, BotWorld &world, Tally &tally)
    : Client(std::move(name), port, tally), world_(world),
      random_(std::hash<std::string>()(this->name())), mood_(Mood::of((unsigned)random_())),
      room_(room), watches_(watches)
{
}

int Bot::roll(int least, int most)
{
	return std::uniform_int_distribution<int>(least, most)(random_);
}

void Bot::ask_for(const std::string &request, Check check)
{
	check_ = check;
	ask(request);
}

void Bot::think(uint64_t now_us)
{
	if (!playing_ || now_us < next_us_)
		return;
	next_us_ = now_us +
	           (uint64_t)roll((int)world_.pace_ms / 2, (int)world_.pace_ms * 3 / 2) * 1000;
	if (watches_)
		ask_for("watch on", &Bot::check_watch);
	else if (!doubtful_item_.empty())
		ask_for("shop", &Bot::check_shop);
	else
		choose_by_mood();
}

void Bot::choose_by_mood()
{
	try {
		choose(mood_->bend(roll(0, WISH_ALL - 1), coin_));
	} catch (const NotNow &) {
		/* The next time it thinks it may want something. */
		tally_.dreams++;
	}
}

void Bot::join()
{
	ask_for("join " + name() + " " + std::to_string(room_), &Bot::check_join);
}

void Bot::choose(int dice)
{
	if (dice < 30 && !walking_) {
		asked_cell_ = world_.floor.pick(random_);
		ask_for("move " + std::to_string(asked_cell_.x) + " " +
		                std::to_string(asked_cell_.y),
		        &Bot::check_move);
	} else if (dice < 35) {
		asked_cell_ = world_.floor.pick(random_);
		ask_for("path " + std::to_string(asked_cell_.x) + " " +
		                std::to_string(asked_cell_.y),
		        &Bot::check_path);
	} else if (dice < WISH_WALK) {
		ask_for("stop", &Bot::check_stop);
	} else if (dice < WISH_BUY) {
		asked_item_ = world_.items[(size_t)roll(0, (int)world_.items.size() - 1)];
		asked_number_ = roll(1, 3);
		ask_for("buy " + asked_item_ + " " + std::to_string(asked_number_),
		        &Bot::check_buy);
	} else if (dice < WISH_SELL) {
		asked_item_ = world_.items[(size_t)roll(0, (int)world_.items.size() - 1)];
		asked_number_ = roll(1, 2);
		ask_for("sell " + asked_item_ + " " + std::to_string(asked_number_),
		        &Bot::check_sell);
	} else if (dice < WISH_TRADE) {
		choose_trade();
	} else if (dice < 80) {
		ask_for("inventory", &Bot::check_inventory);
	} else if (dice < 84) {
		ask_for("leaderboard", &Bot::check_leaderboard);
	} else if (dice < 87) {
		ask_for("look", &Bot::check_look);
	} else if (dice < 89) {
		ask_for("who", &Bot::check_who);
	} else if (dice < WISH_ASK) {
		asked_item_ = "p" + std::to_string(roll(0, 1000000));
		ask_for("ping " + asked_item_, &Bot::check_ping);
	} else {
		choose_nonsense();
	}
}

void Bot::choose_trade()
{
	const std::vector<std::string> &names = world_.names[(size_t)room_];
	uint64_t now = client_now_us();

	if (now < next_trade_us_ || names.size() < 2)
		return;
	next_trade_us_ = now + std::max(bot_trade_ms, 5000u / (unsigned)world_.tick_hz) * 1000ull;
	do {
		asked_item_ = names[(size_t)roll(0, (int)names.size() - 1)];
	} while (asked_item_ == name());
	switch (roll(0, 3)) {
	case 0:
	case 1:
		/* At times more than it has. */
		asked_number_ = roll(1, (int)std::min(coin_ + 5, 60LL));
		ask_for("trade " + asked_item_ + " " + std::to_string(asked_number_),
		        &Bot::check_gift);
		break;
	case 2:
		ask_for("accept " + asked_item_, &Bot::check_accept);
		break;
	default:
		if (roll(0, 4) == 0) {
			ask_for("withdraw", &Bot::check_withdraw);
			break;
		}
		asked_item_ = world_.items[(size_t)roll(0, (int)world_.items.size() - 1)];
		asked_number_ = roll(1, 40);
		ask_for("offer " + asked_item_ + " " + std::to_string(asked_number_),
		        &Bot::check_offer);
	}
}

void Bot::choose_nonsense()
{
	static const struct {
		const char *request;
		const char *code;
	} nonsense[] = {
	        {"abracadabra", "unknown-command"},
	        {"move 0 0", "wall"},
	        {"move -1 3", "bad-number"},
	        {"move 3 99999999999999999999", "bad-number"},
	        {"move three four", "bad-number"},
	        {"move 3", "usage"},
	        {"buy moonstone", "unknown-item"},
	        {"buy sword 0", "bad-number"},
	        {"buy sword -5", "bad-number"},
	        {"trade", "usage"},
	        {"trade nobody-at-all 5", "no-player"},
	        {"trade nobody-at-all -5", "bad-number"},
	        {"accept nobody-at-all", "no-player"},
	        {"join me-again", "joined-already"},
	        {"a b c d e f g h i j k l", "unknown-command"},
	        {"watch perhaps", "usage"},
	};
	size_t count = sizeof(nonsense) / sizeof(nonsense[0]);
	size_t which = (size_t)roll(0, (int)count);

	if (which == count) {
		asked_code_ = "line-too-long";
		ask_for(std::string((size_t)roll(257, 2000), 'x'), &Bot::check_refusal);
		return;
	}
	asked_code_ = nonsense[which].code;
	ask_for(nonsense[which].request, &Bot::check_refusal);
}

void Bot::take_stock()
{
	if (is_connected() && joined_)
		ask_for("stop", &Bot::check_stop);
}

void Bot::show_stock()
{
	if (is_connected() && joined_)
		ask_for("inventory", &Bot::check_inventory);
}

void Bot::leave()
{
	if (!is_connected())
		return;
	expect_end();
	ask_for("quit", &Bot::check_bye);
}

void Bot::on_reply(const Reply &reply)
{
	(this->*check_)(reply);
}

void Bot::step_to(Cell next)
{
	Cell from = place_;

	place_ = next;
	walk_steps_++;
	tally_.steps++;
	if (!walking_)
		throw WrongAnswer("walked without being told to");
	if (!world_.floor.is_open(next))
		throw WrongAnswer("walked into a wall");
	if (!world_.floor.is_neighbour(from, next))
		throw WrongAnswer("jumped");
	if (world_.floor.cuts_corner(from, next))
		tally_.corners_cut++;
}

void Bot::earn(long long amount, const Line &line)
{
	long long expected = coin_ + amount;

	coin_ = line.value("coin");
	if (coin_ != expected)
		throw WrongAnswer("coin that doesn't add up");
}

void Bot::on_news(const Line &line)
{
	if (line.starts("*", "tick")) {
		uint64_t now = client_now_us();
		uint64_t before_us = last_tick_us_;
		long long expected = last_tick_ + 1;

		last_tick_us_ = now;
		last_tick_ = line.number(2);
		if (before_us) {
			tally_.ticks++;
			tally_.count_gap(now - before_us);
			if (last_tick_ != expected)
				throw WrongAnswer("a tick is missing");
		}
	} else if (line.starts("*", "at")) {
		step_to({(int)line.number(2), (int)line.number(3)});
	} else if (line.starts("*", "arrived")) {
		Cell cell = {(int)line.number(2), (int)line.number(3)};

		walking_ = false;
		if (!(cell == place_) || !(cell == target_) || line.value("steps") != walk_steps_)
			throw WrongAnswer("arrived elsewhere, or in other steps than were seen");
	} else if (line.starts("*", "stuck")) {
		/* The rules may have changed on the way. */
		walking_ = false;
		tally_.stuck++;
	} else if (line.starts("*", "match")) {
		tally_.matches++;
	} else if (line.starts("*", "found")) {
		earn(line.number(2), line);
	} else if (line.starts("*", "trade")) {
		if (line.word(2).compare(0, world_.name_prefix.size(), world_.name_prefix) == 0)
			tally_.coin_received += line.number(3);
		earn(line.number(3), line);
	} else if (line.starts("*", "sold")) {
		bool right = line.word(2) == offered_ && line.number(4) == offered_price_;

		offered_.clear();
		tally_.coin_received += line.number(4);
		earn(line.number(4), line);
		if (!right)
			throw WrongAnswer("sold what was not offered");
	} else {
		throw WrongAnswer("news of an unknown kind");
	}
}
