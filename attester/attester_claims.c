/* attester_claims.c: what software says of itself, see assay/attester.h and context.h.
 * Items are kept in the order of the wire while they are added, so that a name that
 * occurs twice shows at once. */
#include "context.h"

#include "evidence/health.h"
#include "evidence/software.h"

#include <string.h>

_Static_assert(ASSAY_SOFTWARE_MAX == MSG_SOFTWARE_MAX && ASSAY_HEALTH_MAX == MSG_HEALTH_MAX &&
		       ASSAY_SETTINGS_MAX == MSG_SETTINGS_MAX && ASSAY_CLAIMS_MAX == MSG_CLAIMS_MAX,
	       "the installed limits are those of the wire");

#define KIND_MAX 32
#define KEY_MAX 128
#define INSTANCE_MAX 128
#define HEALTH_NAME_MAX 64

/* How many of each; false if one is out of range. */
static bool
limits(const struct assay_attester_config *c, size_t *software, size_t *health, size_t *settings)
{
	*software = c->software_max ? c->software_max : ASSAY_CLAIMS_FEW;
	*health = c->health_max ? c->health_max : ASSAY_CLAIMS_FEW;
	*settings = c->settings_max ? c->settings_max : ASSAY_CLAIMS_FEW;
	return *software <= ASSAY_SOFTWARE_MAX && *health <= ASSAY_HEALTH_MAX &&
	       *settings <= ASSAY_SETTINGS_MAX && c->claims_max <= ASSAY_CLAIMS_MAX;
}

static size_t
bytes_max(const struct assay_attester_config *c)
{
	size_t n = c->claims_max ? c->claims_max : ASSAY_CLAIMS_SMALL;

	return (n + 15) / 16 * 16;
}

size_t
claims_size(const struct assay_attester_config *c)
{
	size_t software, health, settings;

	if (!limits(c, &software, &health, &settings))
		return 0;
	return software * (sizeof(struct msg_software) + sizeof *(struct assay_claims){0}.digests) +
	       settings * sizeof(struct msg_setting) +
	       health * (sizeof(struct msg_health) + sizeof *(struct assay_claims){0}.numbers) +
	       bytes_max(c) + (c->files ? FILES_PIECE : 0);
}

void
claims_init(struct assay_attester *a, const struct assay_attester_config *c, void *memory)
{
	struct assay_claims *s = &a->said;

	a->regions = c->regions;
	a->region_count = c->region_count;
	a->claims_source = c->claims;
	a->claims_self = c->claims_self;
	a->files = c->files;
	a->files_self = c->files_self;
	a->claims_max = c->claims_max ? c->claims_max : ASSAY_CLAIMS_SMALL;
	(void)limits(c, &s->software_max, &s->health_max, &s->settings_max);
	s->m.software = memory;
	s->m.settings = (void *)(s->m.software + s->software_max);
	s->m.health = (void *)(s->m.settings + s->settings_max);
	s->numbers = (void *)(s->m.health + s->health_max);
	s->digests = (void *)(s->numbers + s->health_max);
	a->claims = (uint8_t *)(s->digests + s->software_max);
	a->piece = a->claims + bytes_max(c);
}

/* ---- texts and their order ---- */

/* min to max printable characters; NULL counts as none. */
static enum assay_err
take(const char *text, size_t min, size_t max, struct span *ret)
{
	size_t n = text ? strnlen(text, max + 1) : 0;

	for (size_t i = 0; i < n; i++)
		if (text[i] < 0x20 || text[i] > 0x7E)
			return ASSAY_MALFORMED;
	if (n < min || n > max)
		return ASSAY_MALFORMED;
	*ret = SPAN(text, n);
	return ASSAY_OK;
}

static int
order(struct span a, struct span b)
{
	struct reader ra, rb;

	rd_init(&ra, a);
	rd_init(&rb, b);
	while (rd_left(&ra) > 0 && rd_left(&rb) > 0) {
		uint8_t x = rd_u8(&ra), y = rd_u8(&rb);

		if (x != y)
			return x < y ? -1 : 1;
	}
	return rd_left(&rb) > 0 ? -1 : rd_left(&ra) > 0 ? 1 : 0;
}

/* Compares element i of a list with the new one. */
typedef int compare(const struct assay_claims *c, size_t i, const void *element);

/* Where among n the element belongs; most are added in order, so from behind.
 * DUPLICATE if it is there. */
static enum assay_err
place(const struct assay_claims *c, size_t n, compare *cmp, const void *element, size_t *ret)
{
	while (n > 0) {
		int o = cmp(c, n - 1, element);

		if (o == 0)
			return ASSAY_DUPLICATE;
		if (o < 0)
			break;
		n--;
	}
	*ret = n;
	return ASSAY_OK;
}

/* ---- software ---- */

static int
compare_software(const struct assay_claims *c, size_t i, const void *element)
{
	const struct msg_software *s = element;

	return order(c->m.software[i].name, s->name);
}

static enum assay_err
put_software(struct assay_claims *c, const struct msg_software *s)
{
	size_t at;
	enum assay_err e;

	if ((e = place(c, c->m.nsoftware, compare_software, s, &at)) != ASSAY_OK)
		return e;
	memmove(&c->m.software[at + 1], &c->m.software[at],
		(c->m.nsoftware - at) * sizeof *c->m.software);
	c->m.software[at] = *s;
	c->m.nsoftware++;
	return ASSAY_OK;
}

enum assay_err
assay_claims_software(struct assay_claims *c, const struct assay_software *s)
{
	struct msg_software m = {.size = s->size, .age = s->age_s};
	enum assay_err e;

	if ((e = take(s->name, 1, MSG_ITEM_NAME_MAX, &m.name)) != ASSAY_OK ||
	    (e = take(s->kind, 1, KIND_MAX, &m.kind)) != ASSAY_OK ||
	    (e = take(s->version, 0, MSG_VERSION_TEXT_MAX, &m.version)) != ASSAY_OK ||
	    (e = take(s->note, 0, MSG_NOTE_MAX, &m.note)) != ASSAY_OK)
		return e;
	if (s->digest && m.note.n > 0)
		return ASSAY_MALFORMED;
	if (c->m.nsoftware >= c->software_max)
		return ASSAY_FULL;
	if (s->digest) { /* copied: files are asked for by it later in the round */
		m.alg = ALG_SHA256;
		m.digest = SPAN(c->digests[c->m.nsoftware], 32);
		memcpy(c->digests[c->m.nsoftware], s->digest, 32);
	}
	return put_software(c, &m);
}

enum assay_err
assay_claims_memory(struct assay_claims *c, const struct assay_region *r)
{
	uint8_t digest[32];
	struct assay_software s = {.name = r->name,
				   .kind = software_kind_name(SOFTWARE_MEMORY),
				   .version = r->version,
				   .digest = digest,
				   .size = r->bytes.len};
	enum assay_err e = digest_sha256(span_of(r->bytes), digest);

	return e == ASSAY_OK ? assay_claims_software(c, &s) : e;
}

/* ---- health ---- */

static int
compare_health(const struct assay_claims *c, size_t i, const void *element)
{
	const struct msg_health *h = element;
	int o = order(c->m.health[i].name, h->name);

	return o ? o : order(c->m.health[i].instance, h->instance);
}

static enum assay_err
put_health(struct assay_claims *c, const char *name, const char *instance, struct msg_health *h)
{
	size_t at;
	enum assay_err e;

	if ((e = take(name, 1, HEALTH_NAME_MAX, &h->name)) != ASSAY_OK ||
	    (e = take(instance, 0, INSTANCE_MAX, &h->instance)) != ASSAY_OK)
		return e;
	if (c->m.nhealth >= c->health_max)
		return ASSAY_FULL;
	if ((e = place(c, c->m.nhealth, compare_health, h, &at)) != ASSAY_OK)
		return e;
	memmove(&c->m.health[at + 1], &c->m.health[at], (c->m.nhealth - at) * sizeof *h);
	c->m.health[at] = *h;
	c->m.nhealth++;
	return ASSAY_OK;
}

/* OK if there is such a claim, and it is of type a or b. */
static enum assay_err
check_type(const char *name, enum health_type a, enum health_type b)
{
	const struct health_info *i = health_info(health_by_name(SPAN(name, strlen(name))));

	if (!i)
		return ASSAY_NOT_FOUND;
	return i->type == a || i->type == b ? ASSAY_OK : ASSAY_BAD_TYPE;
}

/* Decimal; from behind, so that nothing need be reversed. */
static struct span
decimal(int64_t v, char buf[24])
{
	uint64_t u = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
	size_t at = 24;

	do
		buf[--at] = (char)('0' + u % 10);
	while ((u /= 10) > 0);
	if (v < 0)
		buf[--at] = '-';
	return SPAN(buf + at, 24 - at);
}

enum assay_err
assay_claims_number(struct assay_claims *c, const char *name, const char *instance, int64_t value)
{
	struct msg_health h = {0};
	enum assay_err e = check_type(name, HEALTH_NUMBER, HEALTH_TIME);

	if (e != ASSAY_OK)
		return e;
	if (check_type(name, HEALTH_TIME, HEALTH_TIME) == ASSAY_OK && value < 0)
		return ASSAY_MALFORMED;
	if (c->m.nhealth >= c->health_max)
		return ASSAY_FULL;
	h.value = decimal(value, c->numbers[c->m.nhealth]);
	return put_health(c, name, instance, &h);
}

enum assay_err
assay_claims_bool(struct assay_claims *c, const char *name, const char *instance, bool value)
{
	struct msg_health h = {.value = value ? SPAN("true", 4) : SPAN("false", 5)};
	enum assay_err e = check_type(name, HEALTH_BOOL, HEALTH_BOOL);

	return e == ASSAY_OK ? put_health(c, name, instance, &h) : e;
}

enum assay_err
assay_claims_text(struct assay_claims *c, const char *name, const char *instance, const char *value)
{
	struct msg_health h = {0};
	enum assay_err e;

	if ((e = check_type(name, HEALTH_TEXT, HEALTH_TEXT)) != ASSAY_OK ||
	    (e = take(value, 0, MSG_VALUE_MAX, &h.value)) != ASSAY_OK)
		return e;
	return put_health(c, name, instance, &h);
}

/* ---- settings ---- */

static int
compare_setting(const struct assay_claims *c, size_t i, const void *element)
{
	const struct msg_setting *s = element;
	int o = order(c->m.settings[i].item, s->item);

	return o ? o : order(c->m.settings[i].key, s->key);
}

static enum assay_err
put_setting(struct assay_claims *c, const struct msg_setting *s)
{
	size_t at;
	enum assay_err e;

	if (c->m.nsettings >= c->settings_max)
		return ASSAY_FULL;
	if ((e = place(c, c->m.nsettings, compare_setting, s, &at)) != ASSAY_OK)
		return e;
	memmove(&c->m.settings[at + 1], &c->m.settings[at], (c->m.nsettings - at) * sizeof *s);
	c->m.settings[at] = *s;
	c->m.nsettings++;
	return ASSAY_OK;
}

enum assay_err
assay_claims_setting(struct assay_claims *c, const struct assay_setting *s)
{
	struct msg_setting m = {0};
	enum assay_err e;

	if ((e = take(s->item, 1, MSG_ITEM_NAME_MAX, &m.item)) != ASSAY_OK ||
	    (e = take(s->key, 1, KEY_MAX, &m.key)) != ASSAY_OK ||
	    (e = take(s->value, 0, MSG_VALUE_MAX, &m.value)) != ASSAY_OK ||
	    (e = take(s->note, 0, MSG_NOTE_MAX, &m.note)) != ASSAY_OK)
		return e;
	return s->value && m.note.n > 0 ? ASSAY_MALFORMED : put_setting(c, &m);
}

/* ---- a round ---- */

enum assay_err
claims_collect(struct assay_attester *a, bool reread)
{
	struct assay_claims *c = &a->said;
	struct msg_claims *m = &c->m;
	enum assay_err e = ASSAY_OK;

	*m = (struct msg_claims){
		.software = m->software, .health = m->health, .settings = m->settings};
	for (size_t i = 0; i < a->region_count && e == ASSAY_OK; i++)
		e = assay_claims_memory(c, &a->regions[i]);
	if (e == ASSAY_OK && a->claims_source)
		e = a->claims_source(a->claims_self, c, reread);
	return e;
}

enum assay_err
claims_files(struct assay_attester *a, struct msg_want *w, struct msg_part *m)
{
	const struct msg_claims *c = &a->said.m;
	const struct msg_software *s =
		w->item >= 1 && w->item <= c->nsoftware ? &c->software[w->item - 1] : NULL;
	size_t cap = w->limit < FILES_PIECE ? (size_t)w->limit : FILES_PIECE, n = 0;
	bool end = false;
	enum assay_err e = ASSAY_NOT_FOUND;

	m->offset = w->from;
	m->last = true;
	if (a->files && s && s->digest.n == 32)
		e = a->files(a->files_self, s->digest.p, w->from, a->piece, cap, &n, &end);
	if (e == ASSAY_NOT_FOUND)
		return ASSAY_OK; /* a piece that is empty, and the last: it says no more */
	if (e != ASSAY_OK || n > cap)
		return e != ASSAY_OK ? e : ASSAY_INTERNAL;
	m->data = SPAN(a->piece, n);
	w->from += n;
	w->limit -= n;
	m->last = end || n == 0 || w->limit == 0;
	return ASSAY_OK;
}
