/* ima_file.c: one file against known-bad lists, allow-lists and signatures. See
 * ima_judging.h.
 *
 * Known-bad beats everything. Then the first pattern that matches the path says what is
 * needed. A path that is listed with other digests is told apart from one that nobody
 * has listed, and a signature that does not verify from none. */
#include "ima_judging.h"

#include "text.h"

#include <inttypes.h>
#include <string.h>

/* What is known of one file. */
struct judged_file {
	struct digestset_digest digest; /* bytes empty: of no use */
	bool weak;
	char seen[FINDING_VALUE_MAX];
	char expected[FINDING_VALUE_MAX];
	enum { LISTED, OTHER_DIGEST, UNLISTED } list;
	const char *text;
};

/* Collisions of these can be made: they name a file only where policy says so (D6). */
static bool
is_weak(uint16_t alg)
{
	return alg == ALG_NONE || alg == ALG_SHA1;
}

static struct digestset_digest
digest_of(const struct imalog_digest *d)
{
	const struct digestset_digest none = {0};

	if (d->alg == ALG_NONE)
		return none;
	return (struct digestset_digest){d->alg, d->verity, d->bytes};
}

static bool
has_any(const struct digestset *sets, unsigned n, const struct digestset_digest *d)
{
	for (unsigned i = 0; i < n && d->bytes.n != 0; i++)
		if (digestset_has(&sets[i], d, NULL))
			return true;
	return false;
}

/* A digest is declared bad whatever it is over, the content or what fs-verity makes of it. */
static bool
is_bad(const struct ima_judging *j, const struct imalog_digest *of)
{
	struct digestset_digest d = digest_of(of), content = d;

	content.verity = false;
	return has_any(j->bad, j->nbad, &d) ||
	       (d.verity && has_any(j->bad, j->nbad, &content));
}

bool
ima_judge_known_bad(struct ima_judging *j, const struct imalog_entry *e)
{
	char seen[FINDING_VALUE_MAX];

	if (!is_bad(j, &e->file) && !is_bad(j, &e->modsig_file))
		return false;
	ima_digest_words(&e->file, seen, sizeof seen);
	ima_tell(j,
		 &(struct ima_matter_told){IMA_MATTER_KNOWN_BAD, IMA_COUNT_KNOWN_BAD, seen, NULL,
					   NULL},
		 e);
	return true;
}

static void
expected_digest(const struct digestset *s, uint32_t record, struct judged_file *f)
{
	struct imalog_digest shown = {0};
	struct digestset_digest d;
	uint32_t path;

	if (record == DIGESTSET_NONE || !digestset_record(s, record, &d, &path))
		return;
	shown.name = digest_name(d.alg);
	shown.verity = d.verity;
	shown.bytes = d.bytes;
	ima_digest_words(&shown, f->expected, sizeof f->expected);
}

/* D12: a file that one list has and not another shows which of them this boot is of. */
static void
show_lists(struct ima_judging *j, const struct imalog_entry *e, bool by_path,
	   const struct judged_file *f)
{
	unsigned mask = 0, all = 0;

	for (unsigned i = 0; i < j->nallow; i++) {
		bool has = by_path ? digestset_find(&j->allow[i], e->path, &f->digest, NULL) ==
					     DIGESTSET_EQUAL
				   : digestset_has(&j->allow[i], &f->digest, NULL);

		all |= 1u << j->number[i];
		mask |= has ? 1u << j->number[i] : 0;
	}
	if (mask != all)
		j->state->shown |= (uint16_t)mask;
}

static void
look_up(const struct ima_judging *j, const struct imalog_entry *e, bool by_path,
	struct judged_file *f)
{
	bool usable = f->digest.bytes.n != 0 && (!f->weak || j->policy->weak_digests);

	f->list = UNLISTED;
	if (!usable)
		f->text = "its digest is of no use: too weak, or of an unknown algorithm";
	if (!by_path && usable && has_any(j->allow, j->nallow, &f->digest)) {
		f->list = LISTED;
		return;
	}
	for (unsigned i = 0; i < j->nallow; i++) {
		uint32_t record;
		const struct digestset_query q = {e->path, j->expected[i][j->at].hash,
						  &f->digest};
		enum digestset_answer a = digestset_find_expected(&j->allow[i], &q, &record);

		if (a == DIGESTSET_EQUAL && usable) {
			f->list = LISTED;
			return;
		}
		if (a != DIGESTSET_NO_PATH && f->list == UNLISTED) {
			f->list = OTHER_DIGEST;
			expected_digest(&j->allow[i], record, f);
		}
	}
	if (by_path && usable && has_any(j->allow, j->nallow, &f->digest))
		f->text = "it is listed, at another path";
}

static const struct ima_path *
rule_of(const struct ima_judging *j, struct span path)
{
	for (unsigned i = 0; i < j->policy->npaths; i++)
		if (glob_matches(&j->globs[i], path))
			return &j->policy->path[i];
	return NULL;
}

static void
tell(struct ima_judging *j, const struct imalog_entry *e, const struct judged_file *f,
     enum ima_matter m, enum ima_count c)
{
	ima_tell(j, &(struct ima_matter_told){m, c, f->seen, f->expected, f->text}, e);
}

static void
tell_unlisted(struct ima_judging *j, const struct imalog_entry *e, struct judged_file *f)
{
	char line[FACT_TEXT_MAX];
	size_t n;

	ima_digest_words(&e->file, f->seen, sizeof f->seen);
	if (f->list == OTHER_DIGEST) {
		tell(j, e, f, IMA_MATTER_WRONG_DIGEST, IMA_COUNT_WRONG_DIGEST);
		return;
	}
	tell(j, e, f, IMA_MATTER_UNKNOWN, IMA_COUNT_UNKNOWN);
	text_format(line, sizeof line, "%s ", f->seen);
	n = strlen(line);
	if (n < sizeof line - 8)
		text_escape(e->path, line + n, sizeof line - n);
	ima_fact_next(j, FACT_IMA_UNKNOWN, &j->nunknown, line);
}

/* ---- signatures --------------------------------------------------------------------- */

static void
too_many(struct ima_judging *j)
{
	struct finding *f;

	if (j->limited)
		return;
	j->limited = true;
	f = ima_find(j->a, FIND_IMA_LIMIT, OUTCOME_QUARANTINE);
	text_format(f->subject, sizeof f->subject, "signatures");
	text_format(f->seen, sizeof f->seen, "more than %u to verify at once", IMA_SIGNATURES_MAX);
}

static enum ima_signed_answer
check_signature(struct ima_judging *j, const struct imalog_entry *e, uint8_t keyring,
		struct judged_file *f)
{
	const struct ima_signed_ask ask = {j->policy, j->keys, keyring, j->a->in->now,
					   j->state->keys_measured};
	struct ima_signed s;

	if (j->verifications >= IMA_SIGNATURES_MAX) {
		too_many(j);
		f->text = "there are too many signatures";
		return IMA_SIGNED_BAD;
	}
	ima_memo_signed(j->memo, &ask, e, &s);
	j->verifications += s.tries;
	if (s.answer != IMA_SIGNED_GOOD) {
		f->text = s.reason;
		if (s.key_id != 0)
			text_format(f->expected, sizeof f->expected, "signed by key %08" PRIx32,
				    s.key_id);
		return s.answer;
	}
	j->state->keys_used |= UINT64_C(1) << s.key;
	ima_count(j, IMA_COUNT_SIGNED);
	return s.answer;
}

static void
judge_signature(struct ima_judging *j, const struct imalog_entry *e, const struct ima_path *need,
		struct judged_file *f)
{
	struct judged_file signing = *f;
	enum ima_signed_answer a;

	signing.text = NULL;
	signing.expected[0] = '\0';
	if (f->weak && !j->policy->weak_digests && ima_has_signature(e)) {
		signing.text = "its digest is of no use: too weak, or of an unknown algorithm";
		a = IMA_SIGNED_BAD;
	} else {
		a = check_signature(j, e, need->keyring, &signing);
	}
	if (a == IMA_SIGNED_GOOD)
		return;
	ima_digest_words(&e->file, signing.seen, sizeof signing.seen);
	if (a == IMA_SIGNED_BAD)
		tell(j, e, &signing, IMA_MATTER_BAD_SIGNATURE, IMA_COUNT_BAD_SIGNATURE);
	else if (need->sign == IMA_SIGN_INSTEAD)
		tell_unlisted(j, e, f);
	else
		tell(j, e, &signing, IMA_MATTER_UNSIGNED, IMA_COUNT_UNSIGNED);
}

/* ---- the file --------------------------------------------------------------------------- */

static void
judge_needs(struct ima_judging *j, const struct imalog_entry *e, const struct ima_path *need,
	    struct judged_file *f)
{
	bool listed = true;

	if (need->list != IMA_LIST_NOTHING) {
		look_up(j, e, need->list == IMA_LIST_PATH, f);
		listed = f->list == LISTED;
		if (listed && j->planned)
			show_lists(j, e, need->list == IMA_LIST_PATH, f);
	}
	if (!listed && need->sign != IMA_SIGN_INSTEAD)
		tell_unlisted(j, e, f);
	if (need->sign == IMA_SIGN_TOO || (need->sign == IMA_SIGN_INSTEAD && !listed))
		judge_signature(j, e, need, f);
}

void
ima_judge_file(struct ima_judging *j, const struct imalog_entry *e)
{
	const struct ima_path rest = {.list = j->policy->list_rest,
				      .sign = j->policy->sign_rest,
				      .keyring = IMA_KEYRINGS_MAX};
	const struct ima_path *need = rule_of(j, e->path);
	struct judged_file f;

	f.digest = digest_of(&e->file);
	f.weak = is_weak(e->file.alg);
	f.text = NULL;
	f.expected[0] = f.seen[0] = '\0';
	if (!need)
		need = &rest;
	ima_count(j, IMA_COUNT_FILES);
	if (ima_judge_known_bad(j, e))
		return;
	if (need->list == IMA_LIST_NOTHING && need->sign == IMA_SIGN_NOTHING) {
		ima_count(j, IMA_COUNT_IGNORED);
		return;
	}
	judge_needs(j, e, need, &f);
}
