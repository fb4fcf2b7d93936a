/*
 * ima_judging.h: what the files of ima_judge share, and nobody else includes.
 */
#ifndef APPRAISE_IMA_JUDGING_H
#define APPRAISE_IMA_JUDGING_H

#include "appraisal.h"
#include "digestset.h"
#include "glob.h"
#include "ima_event.h"
#include "ima_memo.h"

#define IMA_TOLD_MAX 3 /* findings of one matter in a boot; then one for all others */
#define IMA_SIGNATURES_MAX 32768 /* verifications in one appraisal, each of its own */
#define IMA_BATCH 16		 /* entries that are read at a time */

struct ima_judging {
	struct appraisal *a;
	struct ima_state *state;
	const struct policy_ima *policy;
	struct ima_keys *keys;
	struct ima_memo *memo; /* if there are entries */
	struct glob *globs;
	unsigned nallow, nbad;
	bool limited; /* told that there are too many signatures */
	bool refused; /* told that a template does not say what its data are */
	uint8_t number[REFERENCES_PER_DEVICE_MAX]; /* of allow[] among the references */
	bool planned; /* one list takes the place of another: who shows which is kept */
	struct digestset allow[REFERENCES_PER_DEVICE_MAX], bad[REFERENCES_PER_DEVICE_MAX];
	/* of the paths of two batches of entries, by allow[] */
	struct digestset_expected expected[REFERENCES_PER_DEVICE_MAX][2 * IMA_BATCH];
	size_t at; /* which of these entries is judged */
	uint8_t told[IMA_MATTER_COUNT];
	uint32_t untold; /* matters with findings that had no room */
	uint32_t verifications;
	uint16_t nunknown, nkeys, ndm, ncritical; /* facts of this round */
};

/* One thing to tell of an entry. */
struct ima_matter_told {
	enum ima_matter matter;
	enum ima_count count; /* IMA_COUNT_COUNT: none */
	const char *seen, *expected, *text; /* escaped; expected and text may be NULL */
};

void ima_count(struct ima_judging *j, enum ima_count c);
/* Count it, and make a finding of it if the file has none and there is room. */
void ima_tell(struct ima_judging *j, const struct ima_matter_told *t,
	      const struct imalog_entry *e);
void ima_digest_words(const struct imalog_digest *d, char *ret, size_t cap);
void ima_fact_text(struct ima_judging *j, enum fact_id id, int32_t index, const char *text);
void ima_fact_next(struct ima_judging *j, enum fact_id id, uint16_t *n, const char *text);

/* ima_entry.c: every proved entry. */
void ima_judge_entries(struct ima_judging *j);
/* ima_file.c: whether a digest of the entry is known as bad; then it is told. */
bool ima_judge_known_bad(struct ima_judging *j, const struct imalog_entry *e);
/* ima_file.c: an entry of a file. */
void ima_judge_file(struct ima_judging *j, const struct imalog_entry *e);

#endif
