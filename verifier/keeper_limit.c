/* keeper_limit.c: how often each operator may ask; see keeper.h and bucket.h. Sources whose
 * tokens are refused are counted where their addresses are known: in net and console, which
 * tell how many they turned away. */
#include "keeper_private.h"

#include "random.h"

#define LIMIT_OPERATORS 1024 /* at a time; more share a bucket */
#define REFUSED_PER_MINUTE 10 /* of one operator, in the audit log */

enum assay_err
keeper_limits_init(struct keeper *k)
{
	const unsigned per_minute[RATE_COUNT] = {
		[RATE_READS] = k->config->operator_reads_per_minute,
		[RATE_CHANGES] = k->config->operator_changes_per_minute,
		[RATE_ADMISSIONS] = k->config->operator_admissions_per_minute,
	};
	enum assay_err e = ASSAY_OK;
	uint64_t salt;

	if ((e = random_bytes(&salt, sizeof salt)) != ASSAY_OK)
		return e;
	for (unsigned r = 0; r < RATE_COUNT && e == ASSAY_OK; r++)
		e = bucket_init(&k->limits[r], per_minute[r], LIMIT_OPERATORS, salt);
	if (e == ASSAY_OK)
		e = bucket_init(&k->refused, REFUSED_PER_MINUTE, LIMIT_OPERATORS, salt);
	return e;
}

void
keeper_limits_free(struct keeper *k)
{
	for (unsigned r = 0; r < RATE_COUNT; r++)
		bucket_free(&k->limits[r]);
	bucket_free(&k->refused);
}

bool
keeper_may_record_refusal(struct keeper *k, const uint8_t credential[32])
{
	unsigned unused;

	return bucket_take(&k->refused, credential, k->now_ms, &unused);
}

bool
keeper_limit(struct keeper *k, enum operation_rate r, const uint8_t credential[32],
	     unsigned *ret_wait_s)
{
	if ((unsigned)r >= RATE_COUNT)
		r = RATE_CHANGES;
	/* the hash of a credential, of which each operator has one */
	if (bucket_take(&k->limits[r], credential, k->now_ms, ret_wait_s))
		return true;
	k->metrics.limited[r]++;
	return false;
}

void
keeper_on_limited(struct keeper *k, struct child *c, const struct ipc_msg *m)
{
	struct reader r;
	uint32_t n;

	rd_init(&r, m->payload);
	n = rd_be32(&r);
	if (rd_finish(&r) != ASSAY_OK)
		keeper_child_lost(k, c, "sent a count of another form");
	else
		k->metrics.limited[RATE_COUNT] += n;
}
