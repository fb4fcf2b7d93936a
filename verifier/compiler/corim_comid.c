/* corim_comid.c: one CoMID: its reference triples to records; see corim.h.
 *
 * A record is a conjunction: one value in it that cannot be compared makes the whole of
 * it unusable (draft-ietf-rats-corim, "Comparing ..."). */
#include "corim.h"

#include "cbor_read.h"

#include "verifier/appraise/text.h"

#include <string.h>

#define TAG_SVN 552
#define TAG_MIN_SVN 553
#define SCHEME_SEMVER 16384
#define REL_REPLACES 1
#define PCR_RESETTABLE (1u << 16 | 1u << 23)

/* Named Information Hash Algorithm Registry */
static uint16_t
named_algorithm(int64_t id)
{
	return id == 1 ? ALG_SHA256 : id == 7 ? ALG_SHA384 : id == 8 ? ALG_SHA512 : ALG_NONE;
}

static uint16_t
algorithm_by_text(struct span s)
{
	static const struct {
		const char *name;
		uint16_t alg;
	} names[] = {
		{"sha-256", ALG_SHA256},
		{"sha-384", ALG_SHA384},
		{"sha-512", ALG_SHA512},
	};

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (span_equal(s, SPAN(names[i].name, strlen(names[i].name))))
			return names[i].alg;
	return ALG_NONE;
}

/* The first reason stays. */
static void
unusable(struct corim_record *rec, const char *why, const char *what)
{
	if (*rec->why_not)
		return;
	text_format(rec->why_not, sizeof rec->why_not, why, what);
}

/* ---- digests ---- */

struct digests {
	uint8_t count;
	struct digest d[CORIM_DIGESTS_MAX];
	bool unknown; /* there is one of an algorithm that is not known */
	bool twice;   /* an algorithm occurs twice: D6, never a match */
};

static uint16_t
read_algorithm(struct cbor_reader *r)
{
	if (cbor_peek(r) == CBOR_TEXT)
		return algorithm_by_text(cbor_next(r).bytes);
	return named_algorithm(cbor_int(r));
}

static void
add_digest(struct cbor_reader *r, struct digests *ret)
{
	struct digest d = {.alg = ALG_NONE};
	struct cbor_entry pair = cbor_want(r, CBOR_ARRAY), bytes;

	if (pair.value != 2)
		cbor_fail(r, ASSAY_MALFORMED);
	d.alg = read_algorithm(r);
	bytes = cbor_want(r, CBOR_BYTES);
	if (r->err != ASSAY_OK)
		return;
	if (d.alg == ALG_NONE || ret->count == CORIM_DIGESTS_MAX) {
		ret->unknown = true;
		return;
	}
	if (digest_from(d.alg, bytes.bytes, &d) != ASSAY_OK) {
		cbor_fail(r, ASSAY_MALFORMED);
		return;
	}
	for (unsigned i = 0; i < ret->count; i++)
		ret->twice |= ret->d[i].alg == d.alg;
	ret->d[ret->count++] = d;
}

static void
read_digests(struct cbor_reader *r, struct digests *ret)
{
	struct cbor_entry list = cbor_want(r, CBOR_ARRAY);

	*ret = (struct digests){.count = 0};
	for (uint64_t i = 0; i < list.value && r->err == ASSAY_OK; i++)
		add_digest(r, ret);
}

static bool
digests_usable(const struct digests *d, struct corim_record *rec, const char *what)
{
	if (d->twice)
		unusable(rec, "%s: two digests of one algorithm", what);
	else if (d->count == 0)
		unusable(rec, "%s: no digest of a known algorithm", what);
	return !d->twice && d->count != 0;
}

/* ---- integrity registers: PCRs ---- */

static void
read_register(struct cbor_reader *r, struct corim_record *rec)
{
	char what[CORIM_TEXT_MAX];
	struct digests d;
	uint64_t pcr = PCR_COUNT;

	if (cbor_peek(r) == CBOR_UINT) {
		pcr = cbor_next(r).value;
		text_format(what, sizeof what, "register %llu", (unsigned long long)pcr);
	} else {
		corim_text(r, what);
	}
	read_digests(r, &d);
	if (r->err != ASSAY_OK)
		return;
	if (pcr >= PCR_COUNT || (PCR_RESETTABLE >> pcr & 1)) {
		unusable(rec, "a register that is no PCR, or one that software can reset: %s",
			 what);
		return;
	}
	if (!digests_usable(&d, rec, what))
		return;
	for (unsigned i = 0; i < d.count; i++) {
		const struct digest *there = pcr_value(&rec->pcrs, d.d[i].alg, (unsigned)pcr);

		if (there && !digest_equal(there, &d.d[i]))
			unusable(rec, "%s: two values that cannot both hold", what);
		else if (!there && pcr_set(&rec->pcrs, (unsigned)pcr, &d.d[i]) != ASSAY_OK)
			unusable(rec, "%s: too many banks", what);
	}
}

static void
read_registers(struct cbor_reader *r, struct corim_record *rec)
{
	struct cbor_entry map = cbor_want(r, CBOR_MAP);

	if (r->err == ASSAY_OK && map.value == 0)
		unusable(rec, "%s are empty", "integrity registers");
	for (uint64_t i = 0; i < map.value && r->err == ASSAY_OK; i++)
		read_register(r, rec);
}

/* ---- measurement values ---- */

static void
read_version(struct cbor_reader *r, struct corim_measure *m)
{
	struct cbor_entry map = cbor_want(r, CBOR_MAP);

	m->scheme = CORIM_SCHEME_OTHER;
	for (uint64_t i = 0; i < map.value && r->err == ASSAY_OK; i++) {
		int64_t key = cbor_int(r);

		if (key == 0) {
			corim_text(r, m->version);
		} else if (key == 1 && cbor_peek(r) == CBOR_TEXT) {
			cbor_item(r);
		} else if (key == 1) {
			if (cbor_int(r) == SCHEME_SEMVER)
				m->scheme = CORIM_SCHEME_SEMVER;
		} else {
			cbor_fail(r, ASSAY_MALFORMED);
		}
	}
	if (r->err == ASSAY_OK && !*m->version)
		cbor_fail(r, ASSAY_MISSING);
}

static void
read_svn(struct cbor_reader *r, struct corim_measure *m)
{
	m->has_svn = true;
	m->svn_is_minimum = cbor_take_tag(r, TAG_MIN_SVN);
	if (!m->svn_is_minimum)
		(void)cbor_take_tag(r, TAG_SVN);
	m->svn = cbor_want(r, CBOR_UINT).value;
}

static const char *
value_name(int64_t key)
{
	static const char *const names[] = {
		"version", "svn", "digests", "flags", "raw value", "raw value mask",
		"MAC address", "IP address", "serial number", "UEID", "UUID", "name", "value 12",
		"keys", "integrity registers", "range",
	};

	if (key >= 0 && (size_t)key < sizeof names / sizeof names[0])
		return names[key];
	return "a value of an unknown kind";
}

static void
read_value(struct cbor_reader *r, struct corim_record *rec, struct corim_measure *m)
{
	int64_t key = cbor_int(r);
	struct digests d;

	switch (key) {
	case 0:
		read_version(r, m);
		break;
	case 1:
		read_svn(r, m);
		break;
	case 2:
		read_digests(r, &d);
		if (r->err == ASSAY_OK && digests_usable(&d, rec, "digests")) {
			m->ndigests = d.count;
			memcpy(m->digests, d.d, sizeof m->digests);
		}
		break;
	case 14:
		read_registers(r, rec);
		break;
	default:
		cbor_item(r);
		unusable(rec, "%s cannot be compared with any evidence", value_name(key));
	}
}

static void
read_values(struct cbor_reader *r, struct corim_record *rec, struct corim_measure *m)
{
	struct cbor_entry map = cbor_want(r, CBOR_MAP);

	if (r->err == ASSAY_OK && map.value == 0)
		unusable(rec, "%s has no value", "a measurement");
	for (uint64_t i = 0; i < map.value && r->err == ASSAY_OK; i++)
		read_value(r, rec, m);
}

/* What kinds of key only a profile knows is no name. */
static void
read_name(struct cbor_reader *r, struct corim_record *rec, char ret[CORIM_TEXT_MAX])
{
	struct cbor_reader copy = *r;

	corim_id_text(&copy, ret);
	if (copy.err == ASSAY_OK) {
		*r = copy;
		return;
	}
	cbor_item(r);
	ret[0] = '\0';
	unusable(rec, "%s is of an unknown kind", "the name of a measurement");
}

static void
keep_measure(struct corim *c, struct cbor_reader *r, struct corim_record *rec,
	     const struct corim_measure *m, bool named)
{
	bool has_value = m->ndigests != 0 || *m->version || m->has_svn;

	if (!has_value || r->err != ASSAY_OK)
		return;
	if (!named) {
		unusable(rec, "%s without a name of what was measured",
			 m->ndigests ? "digests" : "a version");
		return;
	}
	if (c->nmeasures == CORIM_MEASURES_MAX) {
		cbor_fail(r, ASSAY_TOO_MANY);
		return;
	}
	if (*m->version && m->has_svn)
		unusable(rec, "%s: version and security version are not compared together",
			 m->name);
	for (uint32_t i = 0; i < rec->count; i++)
		if (strcmp(c->measure[rec->first + i].name, m->name) == 0)
			unusable(rec, "%s: two measurements that cannot both hold", m->name);
	c->measure[c->nmeasures++] = *m;
	rec->count++;
}

static void
read_measurement(struct corim *c, struct cbor_reader *r, struct corim_record *rec)
{
	struct cbor_entry map = cbor_want(r, CBOR_MAP);
	struct corim_measure m = {.ndigests = 0};
	bool named = false, has_value = false;

	for (uint64_t i = 0; i < map.value && r->err == ASSAY_OK; i++) {
		int64_t key = cbor_int(r);

		if (key == 0) {
			read_name(r, rec, m.name);
			named = *m.name != '\0';
		} else if (key == 1) {
			read_values(r, rec, &m);
			has_value = true;
		} else if (key == 2) {
			cbor_item(r);
			unusable(rec, "%s by a key of its own", "a measurement is authorised");
		} else {
			cbor_item(r);
			unusable(rec, "%s has an unknown member", "a measurement");
		}
	}
	if (!has_value)
		cbor_fail(r, ASSAY_MISSING);
	keep_measure(c, r, rec, &m, named);
}

/* ---- environments ---- */

static void
read_class_id(struct cbor_reader *r, struct corim_record *rec)
{
	struct cbor_reader copy = *r;

	corim_id_text(&copy, rec->class_id);
	if (copy.err == ASSAY_OK) {
		*r = copy;
		return;
	}
	cbor_item(r);
	rec->class_id[0] = '\0';
	unusable(rec, "%s is of an unknown kind", "the class's id");
}

static void
read_class(struct cbor_reader *r, struct corim_record *rec)
{
	struct cbor_entry map = cbor_want(r, CBOR_MAP);

	for (uint64_t i = 0; i < map.value && r->err == ASSAY_OK; i++) {
		int64_t key = cbor_int(r);

		if (key == 0)
			read_class_id(r, rec);
		else if (key == 1)
			corim_text(r, rec->vendor);
		else if (key == 2)
			corim_text(r, rec->model);
		else {
			cbor_item(r);
			unusable(rec, "the environment names %s, which no record of a device has",
				 key == 3 ? "a layer" : key == 4 ? "an index" : "something");
		}
	}
}

static void
read_environment(struct cbor_reader *r, struct corim_record *rec)
{
	struct cbor_entry map = cbor_want(r, CBOR_MAP);

	if (r->err == ASSAY_OK && map.value == 0)
		cbor_fail(r, ASSAY_MISSING);
	for (uint64_t i = 0; i < map.value && r->err == ASSAY_OK; i++) {
		int64_t key = cbor_int(r);

		if (key == 0) {
			read_class(r, rec);
			continue;
		}
		cbor_item(r);
		unusable(rec, "the environment names %s, which no record of a device has",
			 key == 1 ? "an instance" : key == 2 ? "a group" : "something");
	}
}

/* ---- triples ---- */

static void
read_reference(struct corim *c, struct cbor_reader *r, const char *tag)
{
	struct cbor_entry triple = cbor_want(r, CBOR_ARRAY), list;
	struct corim_record *rec;

	if (triple.value != 2 || c->nrecords == CORIM_RECORDS_MAX) {
		cbor_fail(r, triple.value != 2 ? ASSAY_MALFORMED : ASSAY_TOO_MANY);
		return;
	}
	rec = &c->record[c->nrecords];
	rec->first = c->nmeasures;
	text_format(rec->tag, sizeof rec->tag, "%s", tag);
	read_environment(r, rec);
	list = cbor_want(r, CBOR_ARRAY);
	if (r->err == ASSAY_OK && list.value == 0)
		cbor_fail(r, ASSAY_MISSING);
	for (uint64_t i = 0; i < list.value && r->err == ASSAY_OK; i++)
		read_measurement(c, r, rec);
	if (r->err != ASSAY_OK)
		return;
	if (rec->count == 0 && rec->pcrs.count == 0)
		unusable(rec, "%s", "there is nothing in it that could be compared");
	if (rec->count != 0 && rec->pcrs.count != 0)
		unusable(rec, "%s are not compared together: make two of them",
			 "registers and named components");
	rec->usable = *rec->why_not == '\0';
	if (!rec->usable)
		corim_note(c, "reference values %u are not used: %s", (unsigned)c->nrecords + 1,
			   rec->why_not);
	c->nrecords++;
}

static const char *
triple_name(int64_t key)
{
	static const struct {
		int64_t key;
		const char *name;
	} names[] = {
		{1, "endorsed values"}, {2, "identity keys"}, {3, "attestation keys"},
		{4, "dependencies"}, {5, "memberships"}, {6, "links to software identities"},
		{8, "series of conditional endorsements"}, {10, "conditional endorsements"},
	};

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (names[i].key == key)
			return names[i].name;
	return "triples of an unknown kind";
}

static void
read_triples(struct corim *c, struct cbor_reader *r, const char *tag)
{
	struct cbor_entry map = cbor_want(r, CBOR_MAP);

	for (uint64_t i = 0; i < map.value && r->err == ASSAY_OK; i++) {
		int64_t key = cbor_int(r);
		struct cbor_entry list;

		if (key != 0) {
			cbor_item(r);
			corim_note(c, "%s are not used", triple_name(key));
			continue;
		}
		list = cbor_want(r, CBOR_ARRAY);
		if (r->err == ASSAY_OK && list.value == 0)
			cbor_fail(r, ASSAY_MISSING);
		for (uint64_t k = 0; k < list.value && r->err == ASSAY_OK; k++)
			read_reference(c, r, tag);
	}
}

/* ---- the tag ---- */

static void
read_identity(struct cbor_reader *r, char ret[CORIM_TEXT_MAX])
{
	struct cbor_entry map = cbor_want(r, CBOR_MAP);

	for (uint64_t i = 0; i < map.value && r->err == ASSAY_OK; i++) {
		int64_t key = cbor_int(r);

		if (key == 0)
			corim_id_text(r, ret);
		else if (key == 1)
			(void)cbor_want(r, CBOR_UINT);
		else
			cbor_fail(r, ASSAY_MALFORMED);
	}
	if (!*ret)
		cbor_fail(r, ASSAY_MISSING);
}

static void
read_link(struct cbor_reader *r, struct corim *c)
{
	struct cbor_entry map = cbor_want(r, CBOR_MAP);
	char id[CORIM_TEXT_MAX] = "";
	int64_t rel = -1;

	for (uint64_t i = 0; i < map.value && r->err == ASSAY_OK; i++) {
		int64_t key = cbor_int(r);

		if (key == 0)
			corim_id_text(r, id);
		else if (key == 1)
			rel = cbor_int(r);
		else
			cbor_fail(r, ASSAY_MALFORMED);
	}
	if (r->err != ASSAY_OK)
		return;
	if (rel != REL_REPLACES) {
		corim_note(c, "a link to %s is not followed", id);
	} else if (c->nreplaces == CORIM_REPLACES_MAX) {
		cbor_fail(r, ASSAY_TOO_MANY);
	} else {
		memcpy(c->replaces[c->nreplaces++], id, sizeof id);
	}
}

static void
read_links(struct cbor_reader *r, struct corim *c)
{
	struct cbor_entry list = cbor_want(r, CBOR_ARRAY);

	for (uint64_t i = 0; i < list.value && r->err == ASSAY_OK; i++)
		read_link(r, c);
}

/* The identity may stand behind the triples: it is looked for first. */
static void
find_identity(struct span in, char ret[CORIM_TEXT_MAX], struct cbor_reader *outer)
{
	struct cbor_reader r;
	struct cbor_entry map;

	cbor_open(&r, in);
	map = cbor_want(&r, CBOR_MAP);
	for (uint64_t i = 0; i < map.value && r.err == ASSAY_OK; i++) {
		if (cbor_int(&r) == 1) {
			read_identity(&r, ret);
			break;
		}
		cbor_item(&r);
	}
	if (r.err != ASSAY_OK)
		cbor_fail(outer, r.err);
	else if (!*ret)
		cbor_fail(outer, ASSAY_MISSING);
}

static void
read_member(struct corim *c, struct cbor_reader *r, int64_t key, const char *tag)
{
	switch (key) {
	case 0: /* language */
	case 1: /* identity */
	case 2: /* entities */
		cbor_item(r);
		break;
	case 3:
		read_links(r, c);
		break;
	case 4:
		read_triples(c, r, tag);
		break;
	default:
		cbor_item(r);
		c->unknown_member = true;
		corim_note(c, "member %lld of a CoMID is not known", (long long)key);
	}
}

enum assay_err
corim_read_comid(struct span in, struct corim *c)
{
	char *tag = c->tag[c->ntags];
	bool has_triples = false;
	struct cbor_reader r;
	struct cbor_entry map;
	enum assay_err e;

	if (c->ntags == CORIM_TAGS_MAX)
		return ASSAY_TOO_MANY;
	if ((e = cbor_check(in)) != ASSAY_OK)
		return e;
	cbor_open(&r, in);
	find_identity(in, tag, &r);
	map = cbor_want(&r, CBOR_MAP);
	for (uint64_t i = 0; i < map.value && r.err == ASSAY_OK; i++) {
		int64_t key = cbor_int(&r);

		has_triples |= key == 4;
		if (r.err == ASSAY_OK)
			read_member(c, &r, key, tag);
		if (r.err != ASSAY_OK)
			text_format(c->why, sizeof c->why, "member %lld of CoMID %u",
				    (long long)key, (unsigned)c->ntags + 1);
	}
	if (r.err == ASSAY_OK && !has_triples)
		cbor_fail(&r, ASSAY_MISSING);
	if (cbor_finish(&r) == ASSAY_OK)
		c->ntags++;
	return cbor_finish(&r);
}
