/*
 * x509.c: certificates; see x509.h. Signature algorithms are in x509_sig.c, names in
 * x509_name.c, revocation lists in x509_crl.c, strictness in x509_lax.c.
 */
#include "x509_internal.h"

#define OID(lit) {(const uint8_t *)(lit), sizeof(lit) - 1}
#define VERSION_3 2
#define YEAR_PIVOT 50 /* UTCTime: 50 to 99 are 19xx. RFC 5280, 4.1.2.5.1 */

struct span
x509_whole(struct reader *r, uint8_t tag)
{
	struct span all;
	uint8_t t;

	(void)der_any(r, &t, &all);
	if (r->err == ASSAY_OK && t != tag)
		rd_fail(r, ASSAY_BAD_TYPE);
	return r->err == ASSAY_OK ? all : (struct span){NULL, 0};
}

struct reader
x509_explicit(struct reader *r, unsigned n, bool *present)
{
	struct reader in;
	struct span s = {NULL, 0};

	*present = der_optional(r, (uint8_t)(DER_CONTEXT | n), &s);
	rd_init(&in, s);
	return in;
}

/* ---- time ----------------------------------------------------------------- */

static unsigned
digits(struct reader *r, unsigned count)
{
	unsigned v = 0;

	for (unsigned i = 0; i < count; i++) {
		uint8_t c = rd_u8(r);

		if (c < '0' || c > '9')
			rd_fail(r, ASSAY_MALFORMED);
		v = v * 10 + (unsigned)(c - '0');
	}
	return v;
}

/* Days from 1970-01-01 in the Gregorian calendar (years count from March). */
static int64_t
days_from_civil(unsigned year, unsigned month, unsigned day)
{
	int64_t y = (int64_t)year - (month <= 2);
	int64_t era = y / 400, yoe = y - era * 400;
	int64_t doy = (153 * (int64_t)(month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;

	return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

static unsigned
days_in_month(unsigned year, unsigned month)
{
	static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return days[month - 1] + (month == 2 && leap ? 1u : 0u);
}

static unsigned
time_year(struct reader *r, uint8_t tag, uint32_t *lax)
{
	unsigned year;

	if (tag == DER_UTCTIME) {
		year = digits(r, 2);
		return year + (year < YEAR_PIVOT ? 2000 : 1900);
	}
	year = digits(r, 4);
	if (year < 2000 + YEAR_PIVOT)
		*lax |= X509_LAX_TIME;
	return year;
}

int64_t
x509_time(struct reader *r, uint32_t *lax)
{
	unsigned year, month, day, hour, minute, second = 0;
	struct reader t;
	uint8_t tag;

	rd_init(&t, der_any(r, &tag, NULL));
	if (tag != DER_UTCTIME && tag != DER_GENTIME)
		rd_fail(r, ASSAY_BAD_TYPE);
	year = time_year(&t, tag, lax);
	month = digits(&t, 2);
	day = digits(&t, 2);
	hour = digits(&t, 2);
	minute = digits(&t, 2);
	if (rd_left(&t) > 1)
		second = digits(&t, 2);
	else
		*lax |= X509_LAX_TIME;
	if (rd_u8(&t) != 'Z')
		rd_fail(&t, ASSAY_MALFORMED);
	if (rd_finish(&t) != ASSAY_OK || month < 1 || month > 12 || day < 1 ||
	    day > days_in_month(year, month) || hour > 23 || minute > 59 || second > 60)
		rd_fail(r, ASSAY_MALFORMED);
	if (r->err != ASSAY_OK)
		return 0;
	return days_from_civil(year, month, day) * 86400 + hour * 3600 + minute * 60 + second;
}

/* ---- extensions ----------------------------------------------------------- */

/* A BOOLEAN DEFAULT FALSE. */
bool
x509_flag(struct reader *r, uint32_t *lax)
{
	struct span v;

	if (!der_optional(r, DER_BOOLEAN, &v))
		return false;
	if (v.n != 1) {
		rd_fail(r, ASSAY_MALFORMED);
		return false;
	}
	if (v.p[0] == 0)
		*lax |= X509_LAX_DEFAULT;
	if (v.p[0] != 0 && v.p[0] != 0xFF)
		*lax |= X509_LAX_BOOLEAN;
	return v.p[0] != 0;
}

static void
ext_basic_constraints(struct reader *r, struct x509 *c)
{
	struct reader in = der_enter(r, DER_SEQUENCE);

	c->has_basic_constraints = true;
	c->is_ca = x509_flag(&in, &c->lax);
	if (der_peek(&in) == DER_INTEGER) {
		struct span v = der_unsigned(&in);

		c->pathlen = v.n == 1 ? v.p[0] : 255;
	}
	rd_fail(r, rd_finish(&in));
}

static void
ext_key_usage(struct reader *r, struct x509 *c)
{
	struct reader in = der_enter(r, DER_BIT_STRING);

	if (rd_u8(&in) > 7)
		rd_fail(&in, ASSAY_MALFORMED);
	c->has_key_usage = true;
	if (rd_left(&in) > 0)
		c->key_usage = rd_u8(&in);
	(void)rd_rest(&in); /* bits of no interest: decipherOnly and unassigned ones */
	rd_fail(r, rd_finish(&in));
}

static void
ext_eku(struct reader *r, struct x509 *c)
{
	struct reader in = der_enter(r, DER_SEQUENCE);
	uint32_t count = 0;

	c->has_eku = true;
	while (rd_left(&in) > 0 && rd_count(&in, ++count, X509_EKU_MAX) > 0) {
		struct span oid = der_get(&in, DER_OID);

		if (DER_OID_IS(oid, "\x55\x1D\x25\x00"))
			c->eku |= X509_EKU_ANY;
		if (DER_OID_IS(oid, "\x67\x81\x05\x08\x01"))
			c->eku |= X509_EKU_TPM_EK;
		if (DER_OID_IS(oid, "\x67\x81\x05\x08\x03"))
			c->eku |= X509_EKU_TPM_AIK;
	}
	rd_fail(r, rd_finish(&in));
}

/* Key identifiers only say which of several issuers to try first, so that one that
 * cannot be read is as good as none. */
static void
ext_skid(struct reader *r, struct x509 *c)
{
	struct reader in = *r;

	c->skid = der_get(&in, DER_OCTET_STRING);
	if (rd_finish(&in) != ASSAY_OK) {
		c->skid = (struct span){NULL, 0};
		c->lax |= X509_LAX_KEY_ID;
	}
	(void)rd_rest(r);
}

static void
ext_akid(struct reader *r, struct x509 *c)
{
	struct reader in = *r;

	c->akid = x509_akid(&in);
	if (rd_finish(&in) != ASSAY_OK) {
		c->akid = (struct span){NULL, 0};
		c->lax |= X509_LAX_KEY_ID;
	}
	(void)rd_rest(r);
}

/* AuthorityKeyIdentifier, RFC 5280, 4.2.1.1; issuer and serial are not used */
struct span
x509_akid(struct reader *r)
{
	struct reader in = der_enter(r, DER_SEQUENCE);
	struct span id = {NULL, 0}, other;

	(void)der_optional(&in, DER_CONTEXT_PRIM | 0, &id);
	(void)der_optional(&in, DER_CONTEXT | 1, &other);
	(void)der_optional(&in, DER_CONTEXT_PRIM | 2, &other);
	rd_fail(r, rd_finish(&in));
	return id;
}

static void
ext_san(struct reader *r, struct x509 *c)
{
	c->has_san = true;
	c->san = der_get(r, DER_SEQUENCE);
}

static void
ext_name_constraints(struct reader *r, struct x509 *c)
{
	c->has_name_constraints = true;
	(void)rd_rest(r);
}

/* Known, without effect on what is decided here: a TPM's certificate is accepted
 * under any policy of its issuer, and lists come from the operator's directory. */
static void
ext_ignored(struct reader *r, struct x509 *c)
{
	(void)c;
	(void)rd_rest(r);
}

static void
ext_dice_input(struct reader *r, struct x509 *c)
{
	c->dice_input = rd_rest(r);
}

static void
ext_dice_tcb(struct reader *r, struct x509 *c)
{
	c->dice_tcb = rd_rest(r);
}

static const struct extension {
	struct span oid;
	void (*parse)(struct reader *r, struct x509 *c);
} extensions[] = {
	{OID("\x55\x1D\x13"), ext_basic_constraints},
	{OID("\x55\x1D\x0F"), ext_key_usage},
	{OID("\x55\x1D\x25"), ext_eku},
	{OID("\x55\x1D\x0E"), ext_skid},
	{OID("\x55\x1D\x23"), ext_akid},
	{OID("\x55\x1D\x11"), ext_san},
	{OID("\x55\x1D\x1E"), ext_name_constraints},
	{OID("\x55\x1D\x20"), ext_ignored},			  /* certificatePolicies */
	{OID("\x55\x1D\x1F"), ext_ignored},			  /* cRLDistributionPoints */
	{OID("\x55\x1D\x09"), ext_ignored},			  /* subjectDirectoryAttributes */
	{OID("\x55\x1D\x12"), ext_ignored},			  /* issuerAltName */
	{OID("\x2B\x06\x01\x05\x05\x07\x01\x01"), ext_ignored}, /* authorityInfoAccess */
	/* 1.3.6.1.4.1.11129.2.1.24 */
	{OID("\x2B\x06\x01\x04\x01\xD6\x79\x02\x01\x18"), ext_dice_input},
	{OID("\x67\x81\x05\x05\x04\x01"), ext_dice_tcb},		  /* 2.23.133.5.4.1 */
};

static const struct extension *
extension_by_oid(struct span oid)
{
	for (size_t i = 0; i < sizeof extensions / sizeof extensions[0]; i++)
		if (span_equal(extensions[i].oid, oid))
			return &extensions[i];
	return NULL;
}

struct x509_extension
x509_extension_next(struct reader *list, uint32_t *lax)
{
	struct x509_extension x = {0};
	struct reader in = der_enter(list, DER_SEQUENCE);

	x.oid = der_get(&in, DER_OID);
	x.critical = x509_flag(&in, lax);
	x.value = der_get(&in, DER_OCTET_STRING);
	rd_fail(list, rd_finish(&in));
	return x;
}

static enum assay_err
apply_extension(const struct x509_extension *x, struct x509 *c)
{
	const struct extension *known = extension_by_oid(x->oid);
	struct reader r;

	if (!known) {
		if (x->critical && c->unknown_critical++ == 0)
			c->first_unknown_critical = x->oid;
		return ASSAY_OK;
	}
	if (known->parse == ext_dice_input || known->parse == ext_dice_tcb) {
		c->dice_critical += x->critical;
		if (x->critical && c->unknown_critical++ == 0)
			c->first_unknown_critical = x->oid;
	}
	rd_init(&r, x->value);
	known->parse(&r, c);
	if (known->parse == ext_san)
		c->san_critical = x->critical;
	return rd_finish(&r);
}

static enum assay_err
parse_extensions(struct reader *r, struct x509 *c)
{
	struct reader list = der_enter(r, DER_SEQUENCE);
	struct span seen[X509_EXTENSIONS_MAX];
	uint32_t count = 0;

	while (rd_left(&list) > 0) {
		struct x509_extension x = x509_extension_next(&list, &c->lax);
		enum assay_err e;

		if (count == X509_EXTENSIONS_MAX)
			return ASSAY_TOO_MANY;
		for (uint32_t i = 0; i < count; i++)
			if (span_equal(seen[i], x.oid))
				return ASSAY_DUPLICATE;
		seen[count++] = x.oid;
		e = list.err == ASSAY_OK ? apply_extension(&x, c) : list.err;
		if (e != ASSAY_OK)
			return e;
	}
	return rd_finish(&list);
}

/* ---- the certificate ------------------------------------------------------ */

static uint8_t
parse_version(struct reader *r)
{
	bool present;
	struct reader in = x509_explicit(r, 0, &present);
	struct span v;

	if (!present)
		return 1;
	v = der_unsigned(&in);
	if (rd_finish(&in) != ASSAY_OK || v.n != 1 || v.p[0] > VERSION_3) {
		rd_fail(r, ASSAY_UNSUPPORTED);
		return 0;
	}
	return (uint8_t)(v.p[0] + 1);
}

struct span
x509_serial(struct reader *r, uint32_t *lax)
{
	struct span s = der_get(r, DER_INTEGER);

	if (r->err != ASSAY_OK || s.n == 0 || s.n > X509_SERIAL_MAX) {
		rd_fail(r, ASSAY_MALFORMED);
		return (struct span){NULL, 0};
	}
	if (s.p[0] & 0x80 || s.n > 21 || (s.p[0] == 0 && (s.n == 1 || !(s.p[1] & 0x80))))
		*lax |= X509_LAX_SERIAL;
	return s;
}

static void
parse_validity(struct reader *r, struct x509 *c)
{
	struct reader in = der_enter(r, DER_SEQUENCE);

	c->not_before = x509_time(&in, &c->lax);
	c->not_after = x509_time(&in, &c->lax);
	rd_fail(r, rd_finish(&in));
}

static enum assay_err
parse_tbs(struct span tbs, struct span outer_algorithm, struct x509 *c)
{
	struct reader outer, r, x;
	struct span algorithm, unique;
	bool has_extensions;

	rd_init(&outer, tbs);
	r = der_enter(&outer, DER_SEQUENCE);
	c->version = parse_version(&r);
	c->serial = x509_serial(&r, &c->lax);
	algorithm = x509_whole(&r, DER_SEQUENCE);
	c->issuer = x509_whole(&r, DER_SEQUENCE);
	parse_validity(&r, c);
	c->subject = x509_whole(&r, DER_SEQUENCE);
	c->spki = x509_whole(&r, DER_SEQUENCE);
	(void)der_optional(&r, DER_CONTEXT_PRIM | 1, &unique);
	(void)der_optional(&r, DER_CONTEXT_PRIM | 2, &unique);
	x = x509_explicit(&r, 3, &has_extensions);
	if (rd_finish(&r) != ASSAY_OK)
		return r.err;
	if (!span_equal(algorithm, outer_algorithm))
		return ASSAY_MISMATCH;
	if (!has_extensions)
		return ASSAY_OK;
	if (c->version != VERSION_3 + 1)
		return ASSAY_MALFORMED;
	rd_fail(&x, parse_extensions(&x, c));
	return rd_finish(&x);
}

enum assay_err
x509_parse(struct span der, struct x509 *ret)
{
	struct x509 c = {.der = der, .pathlen = X509_PATHLEN_NONE};
	struct x509_signed s;
	enum assay_err e;

	if (der.n > X509_MAX)
		return ASSAY_TOO_LARGE;
	if ((e = x509_signed_parse(der, &s)) != ASSAY_OK ||
	    (e = parse_tbs(s.tbs, s.algorithm, &c)) != ASSAY_OK ||
	    (e = x509_signature(&s, &c.sig, &c.lax)) != ASSAY_OK)
		return e;
	c.tbs = s.tbs;
	c.lax |= x509_laxity(der);
	*ret = c;
	return ASSAY_OK;
}

enum assay_err
x509_verify(const struct x509 *c, const struct key *issuer)
{
	return key_verify_message(issuer, &c->sig, c->tbs);
}
