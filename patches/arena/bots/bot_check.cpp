/*
 * Bot, second part: what the answers have to be. Each check first brings the model up to date, as
 * far as the answer can be believed, so that one wrong answer is counted once.
 */
#include "bot.h"

#include <algorithm>

static bool is_refused(const Reply &reply, const char *code)
{
	return reply.line.starts("err", code);
}

static void require(bool right, const char *reason)
{
	if (!right)
		throw WrongAnswer(reason);
}

void Bot::check_greeting(const Reply &reply)
{
	require(reply.line.starts("ok", "arena"), "a strange greeting");
}

void Bot::check_join(const Reply &reply)
{
	require(reply.line.starts("ok", "join"), "can't join");
	joined_ = true;
	coin_ = reply.line.value("coin");
	place_ = {(int)reply.line.value("x"), (int)reply.line.value("y")};
	for (const std::string &item : world_.items)
		bag_[item] = 0;
	require(reply.line.value("room") == room_, "joined another room");
	require(world_.floor.is_open(place_), "joined inside a wall");
}

void Bot::check_watch(const Reply &reply)
{
	watches_ = false;
	require(reply.line.starts("ok", "watch"), "can't watch");
}

/* A way is right by either rule about corners; which one holds may change while the bot plays. */
static void require_way(const Floor &floor, Cell from, Cell to, long long steps)
{
	if (steps != floor.distance(from, to, Corners::Squeeze) &&
	    steps != floor.distance(from, to, Corners::Respect))
		throw WrongAnswer("not the shortest way by any rule");
}

void Bot::check_move(const Reply &reply)
{
	require(reply.line.starts("ok", "move"), "can't move");

	long long steps = reply.line.value("steps");

	walking_ = steps > 0;
	walk_steps_ = 0;
	target_ = asked_cell_;
	require_way(world_.floor, place_, asked_cell_, steps);
}

void Bot::check_path(const Reply &reply)
{
	require(reply.line.starts("ok", "path"), "no path");
	require_way(world_.floor, place_, asked_cell_, reply.line.value("steps"));
}

void Bot::check_stop(const Reply &reply)
{
	Cell cell = {(int)reply.line.value("x"), (int)reply.line.value("y")};

	walking_ = false;
	require(cell == place_, "stands elsewhere");
}

/* A price that is not the known one is right only if the shop says the same when asked. */
void Bot::expect_price(const Line &line, long long each, long long known)
{
	if (each == known)
		return;
	if (each <= 0)
		throw WrongAnswer("a price of nothing: " + line.text());
	doubtful_item_ = asked_item_;
	doubtful_price_ = each;
	doubtful_known_ = known;
}

void Bot::check_buy(const Reply &reply)
{
	long long known = world_.prices[asked_item_];
	long long &owned = bag_[asked_item_];

	if (is_refused(reply, "bag-full")) {
		require(owned + asked_number_ > 99, "the bag is not full");
	} else if (is_refused(reply, "no-coin")) {
		/* Dearer than known? The shop will tell. */
		if (coin_ >= known * asked_number_)
			expect_price(reply.line, coin_ / asked_number_ + 1, known);
	} else {
		require(reply.line.starts("ok", "buy"), "can't buy");

		long long paid = reply.line.value("price");

		owned += asked_number_;
		earn(-paid, reply.line);
		require(coin_ >= 0, "bought on credit");
		require(reply.line.word(2) == asked_item_ && reply.line.value("n") == asked_number_,
		        "bought something else");
		expect_price(reply.line, paid / asked_number_, known);
	}
}

void Bot::check_sell(const Reply &reply)
{
	long long known = world_.prices[asked_item_];
	long long &owned = bag_[asked_item_];

	if (is_refused(reply, "no-item")) {
		require(owned < asked_number_, "the item is in the bag");
		return;
	}
	require(reply.line.starts("ok", "sell"), "can't sell");

	long long got = reply.line.value("price");

	require(owned >= asked_number_, "sold what it didn't have");
	owned -= asked_number_;
	earn(got, reply.line);
	require(reply.line.word(2) == asked_item_ && reply.line.value("n") == asked_number_,
	        "sold something else");
	if (got != known / 2 * asked_number_)
		expect_price(reply.line, got / asked_number_ * 2, known);
}

void Bot::check_shop(const Reply &reply)
{
	std::string item = doubtful_item_;
	long long now = 0;

	require(reply.line.starts("ok", "shop"), "no shop");
	doubtful_item_.clear();
	for (const std::string &text : reply.rows) {
		Line row(text);

		world_.prices[row.word(0)] = row.number(1);
		if (row.word(0) == item)
			now = row.number(1);
	}
	/* At least: selling rounds half of an odd price down, a refusal gives only a lower bound.
	 */
	require(now != doubtful_known_ && now >= doubtful_price_,
	        "a price that the shop doesn't know");
	tally_.price_changes++;
}

void Bot::check_inventory(const Reply &reply)
{
	const Line &line = reply.line;

	require(line.starts("ok", "inventory"), "no inventory");
	require(line.value("coin") == coin_, "coin that doesn't add up");
	for (const auto &[item, count] : bag_)
		require(line.value(item.c_str()) == count, "a bag that doesn't add up");
	require(line.has("offer") == !offered_.empty(), "an offer that doesn't add up");
	if (!offered_.empty())
		require(line.word(line.size() - 1) ==
		                "offer=" + offered_ + ":" + std::to_string(offered_price_),
		        "an offer that doesn't add up");
}

void Bot::check_gift(const Reply &reply)
{
	if (is_refused(reply, "slow-down")) {
		tally_.slowed_down++;
		return;
	}
	if (is_refused(reply, "no-coin")) {
		require(coin_ < asked_number_, "there is enough coin");
		return;
	}
	/* A bot that lost its connection is counted as lost, not here. */
	if (is_refused(reply, "no-player") && tally_.lost > 0)
		return;
	require(reply.line.starts("ok", "trade"), "can't trade");
	tally_.trades++;
	tally_.coin_sent += asked_number_;
	require(coin_ >= asked_number_, "gave what it didn't have");
	earn(-asked_number_, reply.line);
	require(reply.line.word(2) == asked_item_ && reply.line.number(3) == asked_number_,
	        "gave something else");
}

void Bot::check_offer(const Reply &reply)
{
	if (is_refused(reply, "offered-already")) {
		require(!offered_.empty(), "nothing was offered");
		return;
	}
	if (is_refused(reply, "no-item")) {
		require(bag_[asked_item_] < 1, "the item is in the bag");
		return;
	}
	require(reply.line.starts("ok", "offer"), "can't offer");
	require(offered_.empty() && bag_[asked_item_] > 0, "offered what it didn't have");
	bag_[asked_item_]--;
	offered_ = asked_item_;
	offered_price_ = asked_number_;
}

void Bot::check_withdraw(const Reply &reply)
{
	if (is_refused(reply, "no-offer")) {
		require(offered_.empty(), "something was offered");
		return;
	}
	if (is_refused(reply, "bag-full")) {
		require(bag_[offered_] >= 99, "the bag is not full");
		return;
	}
	require(reply.line.starts("ok", "withdraw"), "can't withdraw");
	require(!offered_.empty(), "nothing was offered");
	bag_[offered_]++;
	offered_.clear();
}

void Bot::check_accept(const Reply &reply)
{
	if (is_refused(reply, "slow-down")) {
		tally_.slowed_down++;
		return;
	}
	/* The seller decides what there is, and for how much. */
	if (is_refused(reply, "no-offer") || is_refused(reply, "no-coin") ||
	    is_refused(reply, "bag-full") || (is_refused(reply, "no-player") && tally_.lost > 0))
		return;
	require(reply.line.starts("ok", "accept"), "can't accept");

	long long price = reply.line.number(4);

	tally_.trades++;
	tally_.coin_sent += price;
	require(bag_.count(reply.line.word(3)) > 0, "bought an unknown item");
	bag_[reply.line.word(3)]++;
	require(coin_ >= price, "bought on credit");
	earn(-price, reply.line);
}

void Bot::check_leaderboard(const Reply &reply)
{
	long long last = -1;
	bool listed = false;

	require(reply.line.starts("ok", "leaderboard"), "no leaderboard");
	for (size_t i = 0; i < reply.rows.size(); i++) {
		Line row(reply.rows[i]);

		require(row.number(0) == (long long)i + 1, "ranks that are no ranks");
		require(last < 0 || row.number(2) <= last, "a leaderboard out of order");
		last = row.number(2);
		if (row.word(1) != name())
			continue;
		listed = true;
		require(last == coin_, "coin that doesn't add up");
	}
	require(listed || (reply.rows.size() == 10 && coin_ <= last), "missing on the leaderboard");
}

void Bot::check_look(const Reply &reply)
{
	const Line &line = reply.line;
	Cell cell = {(int)line.value("x"), (int)line.value("y")};

	require(cell == place_, "stands elsewhere");
	require(line.value("coin") == coin_, "coin that doesn't add up");
	require((int)reply.rows.size() == world_.floor.height(), "a map of another size");
	for (int y = 0; y < world_.floor.height(); y++) {
		const std::string &row = reply.rows[(size_t)y];

		require((int)row.size() == world_.floor.width(), "a map of another size");
		for (int x = 0; x < world_.floor.width(); x++) {
			bool open = row[(size_t)x] != '#';

			require(open == world_.floor.is_open({x, y}), "walls that moved");
		}
	}
	require(reply.rows[(size_t)place_.y][(size_t)place_.x] == '@', "not on the map");
}

void Bot::check_who(const Reply &reply)
{
	bool listed = reply.line.value("n") > 200;

	require(reply.line.starts("ok", "who"), "nobody there");
	for (size_t i = 3; i < reply.line.size(); i++)
		listed = listed || reply.line.word(i) == name();
	require(listed, "not in the room");
}

void Bot::check_ping(const Reply &reply)
{
	require(reply.line.text() == "ok pong " + asked_item_, "another ping's answer");
}

void Bot::check_refusal(const Reply &reply)
{
	require(reply.line.starts("err", asked_code_.c_str()), "nonsense answered otherwise");
}

void Bot::check_bye(const Reply &reply)
{
	require(reply.line.starts("ok", "bye"), "no goodbye");
}
