/*
 * Latency: bucket b of the power 2^p holds [2^p + b * 2^p / 32, the next one). Below 32 us each
 * microsecond has its own.
 */
#include "latency.h"

unsigned Latency::bucket_of(uint64_t us)
{
	if (us < sub_count)
		return (unsigned)us;

	unsigned power = 63 - (unsigned)__builtin_clzll(us);
	unsigned sub = (unsigned)(us >> (power - sub_bits)) - sub_count;

	return (power - sub_bits + 1) * sub_count + sub;
}

uint64_t Latency::upper_end(unsigned bucket)
{
	if (bucket < sub_count)
		return bucket;

	unsigned power = bucket / sub_count + sub_bits - 1;
	uint64_t width = 1ULL << (power - sub_bits);

	return (1ULL << power) + (bucket % sub_count + 1) * width - 1;
}

void Latency::add(uint64_t us)
{
	buckets_[bucket_of(us)]++;
	count_++;
	sum_ += us;
	if (us > max_)
		max_ = us;
}

void Latency::clear()
{
	*this = Latency();
}

uint64_t Latency::percentile(double share) const
{
	uint64_t wanted = (uint64_t)(share * (double)count_);
	uint64_t seen = 0;

	for (unsigned bucket = 0; bucket < buckets_.size(); bucket++) {
		seen += buckets_[bucket];
		if (seen > wanted || (seen == count_ && seen > 0))
			return upper_end(bucket) < max_ ? upper_end(bucket) : max_;
	}
	return 0;
}
