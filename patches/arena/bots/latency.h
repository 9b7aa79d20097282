/*
 * Latency: a histogram of microseconds with buckets about 3 % wide, so that a percentile of
 * millions of values costs one small table.
 */
#ifndef ARENA_LATENCY_H
#define ARENA_LATENCY_H

#include <array>
#include <cstdint>

class Latency
{
      public:
	void add(uint64_t us);
	void clear();

	uint64_t count() const
	{
		return count_;
	}
	uint64_t max() const
	{
		return max_;
	}
	uint64_t mean() const
	{
		return count_ ? sum_ / count_ : 0;
	}

	/* The upper end of the bucket that holds the given share (0 to 1) of the values. */
	uint64_t percentile(double share) const;

      private:
	static constexpr unsigned sub_bits = 5; /* 32 buckets for each power of two */
	static constexpr unsigned sub_count = 1u << sub_bits;

	static unsigned bucket_of(uint64_t us);
	static uint64_t upper_end(unsigned bucket);

	std::array<uint64_t, 64 * sub_count> buckets_{};
	uint64_t count_ = 0;
	uint64_t sum_ = 0;
	uint64_t max_ = 0;
};

#endif
