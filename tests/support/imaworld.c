/* imaworld.c: see imaworld.h. */
#include "imaworld.h"

#include "unit.h"
#include "verifier/compiler/digestset_build.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void
imaworld_policy(struct imaworld *i, const char *ima, const char *banks)
{
	static char yaml[65536];

	snprintf(yaml, sizeof yaml,
		 "policy: test\nversion: 1\napplies_to: {class: gateway}\n"
		 "ask: {banks: [%s], pcrs: [0-14], interval: 60s, patience: 3}\n"
		 "references: {pcrs: [0-9, 11-14]}\n"
		 "ima:\n%s",
		 banks ? banks : "sha256", ima ? ima : "  need: path\n");
	world_set_policy(&i->w, yaml);
}

void
imaworld_init(struct imaworld *i, const char *ima, const char *banks)
{
	memset(i, 0, sizeof *i);
	i->alg = ALG_SHA1;
	i->method = IMALOG_HASHED;
	world_init(&i->w, banks ? "uki-allbanks" : "uki-good");
	imaworld_policy(i, ima, banks);
	for (size_t k = 0; k < i->w.in.asked.count; k++)
		if (i->w.in.asked.bank[k].alg != ALG_SHA256)
			softtpm_add_bank(&i->w.tpm, i->w.in.asked.bank[k].alg);
	imaworld_boot(i, true);
	world_set_reference(&i->w, REF_PROMOTED);
}

void
imaworld_free(struct imaworld *i)
{
	for (unsigned k = 0; k < i->nsets; k++)
		free(i->set[k]);
	free(i->list);
	free(i->at);
	free(i->stored);
	free(i->joined);
	world_free(&i->w);
}

/* ---- the kernel ---------------------------------------------------------------- */

static void
put32(struct imaworld *i, size_t v)
{
	for (unsigned k = 0; k < 4; k++)
		i->list[i->len++] = (uint8_t)(v >> 8 * (i->big ? 3 - k : k));
}

static void
put(struct imaworld *i, struct span s)
{
	memcpy(i->list + i->len, s.p, s.n);
	i->len += s.n;
}

/* An entry up to its template data. */
static void
put_head(struct imaworld *i, const char *name, const struct digest *d, size_t room)
{
	if (i->cap - i->len < room + 512) {
		i->cap = 2 * i->cap + room + 4096;
		i->list = realloc(i->list, i->cap);
		assert_non_null(i->list);
	}
	if (i->count == i->room) {
		i->room = 2 * i->room + 64;
		i->at = realloc(i->at, i->room * sizeof *i->at);
		assert_non_null(i->at);
	}
	i->at[i->count++] = i->len;
	put32(i, IMALOG_PCR);
	put(i, digest_span(d));
	put32(i, strlen(name));
	put(i, SPAN(name, strlen(name)));
}

void
imaworld_list_only(struct imaworld *i, const char *name, struct span data, bool violation)
{
	struct digest d;

	unit_must(violation ? digest_fill(i->alg, 0, &d) : digest_compute(i->alg, data, &d),
		  "hash");
	put_head(i, name, &d, data.n);
	put32(i, data.n);
	put(i, data);
}

/* What this kernel extends, as ima_pcr_extend() has it. */
static void
extend(struct imaworld *i, struct span data, bool violation)
{
	for (size_t k = 0; k < i->w.tpm.pcrs.count; k++) {
		uint16_t alg = i->w.tpm.pcrs.bank[k].alg;
		bool padded = i->method != IMALOG_HASHED && alg != ALG_SHA1;
		struct digest d, sha1;

		unit_must(digest_fill(alg, 0, &d), "digest");
		unit_must(digest_compute(ALG_SHA1, data, &sha1), "hash");
		if (violation && i->method == IMALOG_PADDED_OLD)
			memset(d.b, 0xFF, 20);
		else if (violation)
			unit_must(digest_fill(alg, 0xFF, &d), "digest");
		else if (padded)
			memcpy(d.b, sha1.b, 20);
		else
			unit_must(digest_compute(alg, data, &d), "hash");
		softtpm_extend(&i->w.tpm, IMALOG_PCR, digest_span(&d), alg);
		if (i->also)
			i->also(i, &d);
	}
}

void
imaworld_old(struct imaworld *i, const char *path, uint8_t fill)
{
	uint8_t hashed[20 + IMALOG_OLD_PATH_MAX + 1] = {0};
	struct digest d;

	memset(hashed, fill, 20);
	memcpy(hashed + 20, path, strlen(path));
	unit_must(digest_compute(i->alg, SPAN(hashed, sizeof hashed), &d), "hash");
	put_head(i, "ima", &d, sizeof hashed);
	put(i, SPAN(hashed, 20));
	put32(i, strlen(path));
	put(i, SPAN(path, strlen(path)));
	extend(i, SPAN(hashed, sizeof hashed), false);
}

void
imaworld_extend_only(struct imaworld *i, const char *name, struct span data)
{
	(void)name;
	extend(i, data, false);
}

void
imaworld_entry(struct imaworld *i, const char *name, struct span data, bool violation)
{
	imaworld_list_only(i, name, data, violation);
	extend(i, data, violation);
}

struct span
imaworld_fields(const struct imaworld *i, const struct span *f, size_t n)
{
	static uint8_t buf[65536];
	struct writer w;

	wr_init(&w, buf, sizeof buf);
	for (size_t k = 0; k < n; k++) {
		if (i->big)
			wr_be32(&w, (uint32_t)f[k].n);
		else
			wr_le32(&w, (uint32_t)f[k].n);
		wr_bytes(&w, f[k]);
	}
	unit_must(w.err, "fields");
	return wr_span(&w);
}

static struct span
named_digest(const char *name, struct span d)
{
	static uint8_t buf[128];
	struct writer w;

	wr_init(&w, buf, sizeof buf);
	wr_bytes(&w, SPAN(name, strlen(name) + 1));
	wr_bytes(&w, d);
	unit_must(w.err, "digest");
	return wr_span(&w);
}

void
imaworld_digest(struct imaworld *i, const char *name, const struct digest *d)
{
	const struct span f[2] = {named_digest("sha256:", digest_span(d)),
				  SPAN(name, strlen(name) + 1)};

	imaworld_entry(i, "ima-ng", imaworld_fields(i, f, 2), false);
}

void
imaworld_aggregate(struct imaworld *i)
{
	struct digest d;

	unit_must(imalog_boot_aggregate(&i->w.tpm.pcrs, ALG_SHA256, 10, &d), "boot_aggregate");
	imaworld_digest(i, IMALOG_BOOT_AGGREGATE, &d);
}

static void
file_entry(struct imaworld *i, const char *path, uint8_t fill, bool violation)
{
	uint8_t d[32];
	struct span f[2];

	memset(d, fill, sizeof d);
	f[0] = named_digest("sha256:", SPAN(d, sizeof d));
	f[1] = SPAN(path, strlen(path) + 1);
	imaworld_entry(i, "ima-ng", imaworld_fields(i, f, 2), violation);
}

void
imaworld_file(struct imaworld *i, const char *path, uint8_t fill)
{
	file_entry(i, path, fill, false);
}

void
imaworld_violation(struct imaworld *i, const char *path)
{
	file_entry(i, path, 0, true);
}

void
imaworld_buffer(struct imaworld *i, const char *name, struct span buf)
{
	struct digest d;
	struct span f[3];

	unit_must(digest_compute(ALG_SHA256, buf, &d), "digest");
	f[0] = named_digest("sha256:", digest_span(&d));
	f[1] = SPAN(name, strlen(name) + 1);
	f[2] = buf;
	imaworld_entry(i, "ima-buf", imaworld_fields(i, f, 3), false);
}

void
imaworld_boot(struct imaworld *i, bool aggregate)
{
	world_reboot(&i->w, NULL);
	i->len = 0;
	i->count = 0;
	if (aggregate)
		imaworld_aggregate(i);
}

/* ---- keeper --------------------------------------------------------------------- */

void
imaworld_set(struct imaworld *i, enum reference_kind kind, const char *name,
	     const struct imaworld_file *files, size_t n)
{
	struct digestset_builder *b = digestset_builder_new();
	struct reference_view *v = &i->w.in.references[i->w.in.nreferences++];
	size_t len;

	assert_non_null(b);
	assert_true(i->nsets < IMAWORLD_SETS);
	for (size_t k = 0; k < n; k++) {
		uint8_t bytes[32];
		struct digestset_digest d = {ALG_SHA256, false, SPAN(bytes, 32)};

		memset(bytes, files[k].fill, sizeof bytes);
		unit_must(digestset_add(b, SPAN(files[k].path, strlen(files[k].path)), &d), "set");
	}
	unit_must(digestset_build(b, &i->set[i->nsets], &len), "set");
	digestset_builder_free(b);
	memset(v, 0, sizeof *v);
	v->compiled = SPAN(i->set[i->nsets++], len);
	unit_must(digestset_check(v->compiled), "set");
	unit_must(digest_sha256(v->compiled, v->digest), "digest");
	v->kind = kind;
	v->state = REF_PROMOTED;
	snprintf(v->name, sizeof v->name, "%s", name);
}

/* Entries from `from`, as the agent delivers them. */
static struct span
delivered(struct imaworld *i, uint64_t from)
{
	uint64_t start = (uint64_t)((int64_t)from + i->shift), end = i->count - i->hide;
	size_t stop = end < i->count ? i->at[end] : i->len;

	i->asked++;
	i->asked_from = from;
	if (i->withhold)
		return SPAN("", 0);
	if (i->instead.n != 0)
		return i->instead;
	if (start < i->first)
		start = i->first;
	if (start >= end)
		return SPAN("", 0);
	return SPAN(i->list + i->at[start], stop - i->at[start]);
}

static void
submit(struct imaworld *i, struct span stored, uint64_t from, struct span more)
{
	struct appraisal_input *in = &i->w.in;

	free(i->joined);
	i->joined = malloc(stored.n + more.n + 1);
	assert_non_null(i->joined);
	if (stored.n != 0)
		memcpy(i->joined, stored.p, stored.n);
	if (more.n != 0)
		memcpy(i->joined + stored.n, more.p, more.n);
	in->has_ima = true;
	in->ima_stored = stored.n;
	in->ima_from = stored.n != 0 ? 0 : from;
	in->ima = SPAN(i->joined, stored.n + more.n);
	i->sent += more.n;
}

/* As keeper_ima.c does it. */
static void
supply_entries(struct imaworld *i, uint64_t from)
{
	struct span stored = SPAN(i->stored, i->stored_len), none = SPAN("", 0), sent;
	bool behind = i->w.in.has_ima && i->w.in.ima_from > 0;

	if (from == 0 && !behind && !i->offered && !i->forget && i->stored_len != 0) {
		i->offered = true;
		submit(i, stored, 0, none);
		return;
	}
	sent = delivered(i, from);
	if (from == 0 || i->w.in.ima_stored == 0) {
		submit(i, none, from, sent);
	} else if (sent.n != 0) {
		submit(i, stored, 0, sent);
	} else { /* nothing behind what is stored: what it does have is asked for next */
		submit(i, none, 0, none);
		i->w.in.has_ima = false;
	}
}

static void
supply(struct imaworld *i, const struct msg_want *want)
{
	struct world *w = &i->w;

	if (want->kind == PART_CLAIMS) {
		w->in.claims = SPAN(w->evidence.claims, w->evidence.claims_len);
	} else if (want->kind == PART_BOOT_LOG) {
		w->in.has_boot_log = true;
		w->in.boot_log = w->log;
	} else {
		assert_int_equal(want->kind, PART_IMA);
		supply_entries(i, want->from);
	}
}

const struct verdict *
imaworld_judge(struct imaworld *i)
{
	const struct verdict *v;

	world_challenge(&i->w);
	i->w.in.has_ima = false;
	i->w.in.ima_from = i->w.in.ima_stored = 0;
	i->w.in.ima = SPAN("", 0);
	i->asked = 0;
	i->sent = 0;
	i->offered = false;
	world_prove(&i->w);
	v = world_appraise(&i->w);
	while (v->status == VERDICT_NEED && i->w.needs < 8) {
		struct msg_need need = v->need;

		i->w.needs++;
		for (unsigned k = 0; k < need.nwants; k++)
			supply(i, &need.wants[k]);
		v = world_appraise(&i->w);
	}
	return v;
}

static void
store(struct imaworld *i, const struct verdict *v)
{
	struct span s = ima_accepted_bytes(&i->w.in, v);
	uint32_t *lengths = calloc(v->ima_accepted.count + 1, sizeof *lengths);
	size_t sum = 0;

	assert_non_null(lengths);
	if (v->status != VERDICT_DECIDED || v->ima_accepted.count == 0) {
		free(lengths);
		return;
	}
	unit_must(ima_split(s, &v->next.ima, v->ima_accepted.count, lengths), "splitting");
	for (uint64_t k = 0; k < v->ima_accepted.count; k++)
		sum += lengths[k];
	free(lengths);
	assert_int_equal(sum, v->ima_accepted.bytes);
	if (v->ima_accepted.from == 0) {
		i->stored_len = 0;
		i->stored_count = 0;
	}
	assert_int_equal(v->ima_accepted.from, i->stored_count);
	i->stored = realloc(i->stored, i->stored_len + s.n);
	assert_non_null(i->stored);
	memcpy(i->stored + i->stored_len, s.p, s.n);
	i->stored_len += s.n;
	i->stored_count += v->ima_accepted.count;
	assert_int_equal(i->stored_count, v->next.ima.count);
	assert_int_equal(i->stored_len, v->next.ima.bytes);
}

const struct verdict *
imaworld_round(struct imaworld *i)
{
	const struct verdict *v = imaworld_judge(i);

	store(i, v);
	world_commit(&i->w);
	return v;
}
