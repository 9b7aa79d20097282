/*
 * Report: JSON by hand, one object on one line.
 */
#include "report.h"

#include <cstdio>

#include "fleet.h"

/* An object under construction: members are added as text that is JSON already. */
class Object
{
      public:
	Object &add(const char *name, const std::string &json)
	{
		text_ += (text_.empty() ? "\"" : ",\"") + std::string(name) + "\":" + json;
		return *this;
	}
	template <typename Number> Object &number(const char *name, Number value)
	{
		return add(name, std::to_string(value));
	}
	std::string text() const
	{
		return "{" + text_ + "}";
	}

      private:
	std::string text_;
};

template <typename Range, typename Item> static std::string list(const Range &range, Item item)
{
	std::string text;

	for (const auto &element : range)
		text += (text.empty() ? "" : ",") + item(element);
	return "[" + text + "]";
}

std::string report_quote(const std::string &text)
{
	std::string quoted = "\"";

	for (char c : text) {
		if (c == '"' || c == '\\') {
			quoted += '\\';
			quoted += c;
		} else if ((unsigned char)c < 32 || (unsigned char)c > 126) {
			char escape[8];

			snprintf(escape, sizeof(escape), "\\u%04x", (unsigned char)c);
			quoted += escape;
		} else {
			quoted += c;
		}
	}
	return quoted + "\"";
}

static std::string report_latency(const Latency &latency)
{
	return Object()
	        .number("count", latency.count())
	        .number("mean", latency.mean())
	        .number("p50", latency.percentile(0.5))
	        .number("p90", latency.percentile(0.9))
	        .number("p99", latency.percentile(0.99))
	        .number("max", latency.max())
	        .text();
}

static std::string report_exploit(const Cheater *cheater)
{
	if (!cheater)
		return "null";

	Cheater::Result result = cheater->result();

	return Object()
	        .add("name", report_quote(result.name))
	        .number("attempts", result.attempts)
	        .number("successes", result.successes)
	        .add("present", !result.known    ? "null"
	                        : result.present ? "true"
	                                         : "false")
	        .add("detail", report_quote(result.detail))
	        .add("trouble", report_quote(result.trouble))
	        .text();
}

/* What the result and the status have in common. */
static Object report_common(const Fleet &fleet)
{
	const Tally &tally = fleet.tally();
	const ServerFigures &server = fleet.observer().figures();

	return Object()
	        .number("seconds", fleet.seconds_played())
	        .number("bots", fleet.bots().size())
	        .number("players", fleet.players())
	        .number("requests", tally.requests)
	        .number("wrong", tally.wrong)
	        .number("lost", tally.lost)
	        .number("unanswered", tally.unanswered)
	        .number("duplicated", server.duplicated)
	        .number("corners_cut", tally.corners_cut)
	        .number("slowed_down", tally.slowed_down)
	        .number("dreams", tally.dreams)
	        .add("latency_us", report_latency(tally.latency))
	        .add("latency_since_reset_us", report_latency(tally.latency_since_reset))
	        .add("tick", Object().number("hz", fleet.world().tick_hz)
	                             .number("seen", tally.ticks)
	                             .number("gap_max_us", tally.gap_max_us)
	                             .number("gap_since_reset_us", tally.gap_since_reset_us)
	                             .number("server_gap_max_us", fleet.observer().gap_max_us())
	                             .number("server_gap_since_reset_us", server.gap_max_us)
	                             .number("server_work_max_us", server.work_max_us)
	                             .number("skipped", server.skipped)
	                             .text())
	        .add("exploit", report_exploit(fleet.cheater()));
}

std::string report_json(const Fleet &fleet)
{
	const Tally &tally = fleet.tally();

	return report_common(fleet)
	        .number("news", tally.news)
	        .number("steps", tally.steps)
	        .number("stuck", tally.stuck)
	        .number("matches", tally.matches)
	        .number("trades", tally.trades)
	        .number("coin_sent", tally.coin_sent)
	        .number("coin_received", tally.coin_received)
	        .number("price_changes", tally.price_changes)
	        .add("wrong_reasons",
	             [&] {
		             Object reasons;

		             for (const auto &[reason, count] : tally.wrong_reasons)
			             reasons.number(report_quote(reason).substr(1).c_str(), count);
		             return reasons.text();
	             }())
	        .add("wrong_examples", list(tally.wrong_examples, report_quote))
	        .text();
}

std::string report_status(const Fleet &fleet)
{
	/* Enough for a map that a person looks at. */
	std::vector<const Bot *> shown;

	for (const auto &bot : fleet.bots()) {
		if (shown.size() < 64 && bot->is_connected())
			shown.push_back(bot.get());
	}
	return report_common(fleet)
	        .add("strip", list(fleet.strip(),
	                           [](const StripBar &bar) {
		                           return Object()
		                                   .number("latency_us", bar.latency_us)
		                                   .number("gap_us", bar.gap_us)
		                                   .text();
	                           }))
	        .add("map", list(fleet.world().floor.rows(), report_quote))
	        .add("positions", list(shown,
	                               [](const Bot *bot) {
		                               return Object()
		                                       .add("name", report_quote(bot->name()))
		                                       .number("room", bot->room())
		                                       .number("x", bot->place().x)
		                                       .number("y", bot->place().y)
		                                       .number("coin", bot->coin())
		                                       .text();
	                               }))
	        .text();
}

std::string report_figures(const ServerFigures &figures)
{
	return Object()
	        .number("players", figures.players)
	        .number("connections", figures.connections)
	        .number("ticks", figures.ticks)
	        .number("tick_hz", figures.tick_hz)
	        .number("gap_last_us", figures.gap_last_us)
	        .number("gap_max_us", figures.gap_max_us)
	        .number("work_max_us", figures.work_max_us)
	        .number("skipped", figures.skipped)
	        .number("coin", figures.coin)
	        .number("duplicated", figures.duplicated)
	        .text();
}

void report_summary(const Fleet &fleet)
{
	const Tally &tally = fleet.tally();
	const Latency &latency = tally.latency;
	auto ms = [](uint64_t us) { return (double)us / 1000; };

	printf("%zu bots played %.1f s: %llu answers, %llu wrong, %llu players lost\n",
	       fleet.bots().size(), fleet.seconds_played(), (unsigned long long)tally.requests,
	       (unsigned long long)tally.wrong, (unsigned long long)tally.lost);
	printf("latency  p50 %.2f ms, p99 %.2f ms, max %.2f ms\n", ms(latency.percentile(0.5)),
	       ms(latency.percentile(0.99)), ms(latency.max()));
	printf("ticks    %d Hz, longest gap %.1f ms in the server, %.1f ms as the bots saw it\n",
	       fleet.world().tick_hz, ms((uint64_t)fleet.observer().gap_max_us()),
	       ms(tally.gap_max_us));
	printf("game     %llu steps, %llu corners cut, %llu trades, %lld coin duplicated\n",
	       (unsigned long long)tally.steps, (unsigned long long)tally.corners_cut,
	       (unsigned long long)tally.trades, fleet.observer().figures().duplicated);
	if (fleet.cheater()) {
		Cheater::Result result = fleet.cheater()->result();

		printf("exploit  %s worked %llu of %llu times; %s\n", result.name.c_str(),
		       (unsigned long long)result.successes, (unsigned long long)result.attempts,
		       (result.trouble.empty() ? result.detail : result.trouble).c_str());
	}
	for (const auto &[reason, count] : tally.wrong_reasons)
		printf("wrong    %llu times: %s\n", (unsigned long long)count, reason.c_str());
	for (const std::string &example : tally.wrong_examples)
		printf("  %s\n", example.c_str());
}

bool report_write(const std::string &path, const std::string &text)
{
	if (path == "-")
		return printf("%s\n", text.c_str()) > 0 && fflush(stdout) == 0;

	std::string temporary = path + ".new";
	FILE *file = fopen(temporary.c_str(), "w");

	if (!file)
		return false;

	bool fine = fprintf(file, "%s\n", text.c_str()) > 0;

	fine = fclose(file) == 0 && fine;
	return fine && rename(temporary.c_str(), path.c_str()) == 0;
}
