/* x509_crl.c: certificate revocation lists, RFC 5280, 5. See x509.h. */
#include "x509_internal.h"

/* IssuingDistributionPoint, RFC 5280, 5.2.5: a list for user or for CA certificates
 * only is whole for those; one for some reasons, or of several issuers, is not. */
static bool
is_whole(struct span value)
{
	struct reader r, in;
	struct span field;

	rd_init(&r, value);
	in = der_enter(&r, DER_SEQUENCE);
	(void)der_optional(&in, DER_CONTEXT | 0, &field);
	(void)der_optional(&in, DER_CONTEXT_PRIM | 1, &field);
	(void)der_optional(&in, DER_CONTEXT_PRIM | 2, &field);
	return rd_finish(&in) == ASSAY_OK && rd_finish(&r) == ASSAY_OK;
}

static void
crl_extension(const struct x509_extension *x, struct x509_crl *c)
{
	struct reader r;

	rd_init(&r, x->value);
	if (DER_OID_IS(x->oid, "\x55\x1D\x23")) {
		c->akid = x509_akid(&r);
		if (rd_finish(&r) != ASSAY_OK)
			c->akid = (struct span){NULL, 0};
		return;
	}
	/* A deltaCRLIndicator, and whatever else is critical, narrows what the list
	 * says in ways that are not handled. */
	if (DER_OID_IS(x->oid, "\x55\x1D\x1C") ? !is_whole(x->value) : x->critical)
		c->partial = true;
}

static enum assay_err
crl_extensions(struct span explicit, struct x509_crl *c)
{
	struct reader r, list;

	rd_init(&r, explicit);
	list = der_enter(&r, DER_SEQUENCE);
	while (rd_left(&list) > 0) {
		struct x509_extension x = x509_extension_next(&list, &c->lax);

		if (list.err == ASSAY_OK)
			crl_extension(&x, c);
	}
	rd_fail(&r, rd_finish(&list));
	return rd_finish(&r);
}

static bool
is_time(uint8_t tag)
{
	return tag == DER_UTCTIME || tag == DER_GENTIME;
}

static enum assay_err
parse_tbs(struct span tbs, struct span outer_algorithm, struct x509_crl *c)
{
	struct span algorithm, extensions = {NULL, 0};
	struct reader outer, r;

	rd_init(&outer, tbs);
	r = der_enter(&outer, DER_SEQUENCE);
	if (der_peek(&r) == DER_INTEGER)
		(void)der_unsigned(&r); /* version */
	algorithm = x509_whole(&r, DER_SEQUENCE);
	c->issuer = x509_whole(&r, DER_SEQUENCE);
	c->this_update = x509_time(&r, &c->lax);
	c->next_update = is_time(der_peek(&r)) ? x509_time(&r, &c->lax) : INT64_MAX;
	(void)der_optional(&r, DER_SEQUENCE, &c->revoked);
	(void)der_optional(&r, DER_CONTEXT | 0, &extensions);
	if (rd_finish(&r) != ASSAY_OK)
		return r.err;
	if (!span_equal(algorithm, outer_algorithm))
		return ASSAY_MISMATCH;
	return extensions.n > 0 ? crl_extensions(extensions, c) : ASSAY_OK;
}

enum assay_err
x509_crl_parse(struct span der, struct x509_crl *ret)
{
	struct x509_crl c = {.der = der};
	struct x509_signed s;
	enum assay_err e;

	if (der.n > X509_CRL_MAX)
		return ASSAY_TOO_LARGE;
	if ((e = x509_signed_parse(der, &s)) != ASSAY_OK ||
	    (e = parse_tbs(s.tbs, s.algorithm, &c)) != ASSAY_OK ||
	    (e = x509_signature(&s, &c.sig, &c.lax)) != ASSAY_OK)
		return e;
	c.tbs = s.tbs;
	*ret = c;
	return ASSAY_OK;
}

enum assay_err
x509_crl_verify(const struct x509_crl *c, const struct key *issuer)
{
	return key_verify_message(issuer, &c->sig, c->tbs);
}

/* Without leading zero bytes: one number may be written in two ways. */
static struct span
number(struct span serial)
{
	struct reader r;

	rd_init(&r, serial);
	while (rd_left(&r) > 1 && der_peek(&r) == 0)
		(void)rd_u8(&r);
	return rd_rest(&r);
}

enum assay_err
x509_crl_lists(const struct x509_crl *c, struct span serial, bool *ret)
{
	struct reader r;
	bool listed = false;

	rd_init(&r, c->revoked);
	while (rd_left(&r) > 0) {
		struct reader entry = der_enter(&r, DER_SEQUENCE);
		struct span s = der_get(&entry, DER_INTEGER);

		rd_fail(&r, entry.err);
		listed = listed || (r.err == ASSAY_OK && span_equal(number(s), number(serial)));
	}
	if (rd_finish(&r) != ASSAY_OK)
		return r.err;
	*ret = listed;
	return ASSAY_OK;
}
