/* ekcert_path.c: see ekcert_path.h. */
#include "ekcert_path.h"

#define SPKI_RSA4096_MAX 600 /* bytes: only a larger RSA key takes more */

/* ---- candidates ----------------------------------------------------------- */

/* What the device sent may be anything: what cannot be read is as if not sent. */
static void
read_device_certificates(struct path *p)
{
	for (size_t i = 0; i < p->in->nintermediates && i < EKCERT_INTERMEDIATES_MAX; i++) {
		struct x509 *c = &p->device[p->ndevice];

		if (x509_parse(p->in->intermediates[i], c) == ASSAY_OK &&
		    x509_name_hash(c->subject, p->device_hash[p->ndevice]) == ASSAY_OK)
			p->ndevice++;
	}
}

static void
start_candidates(struct path *p, struct path_node *n)
{
	const struct x509 *c = &n->cert;

	n->in_device = 0;
	roots_find_issuer(p->in->roots, c->issuer, c->akid, &n->in_roots);
	if (x509_name_is_empty(c->issuer) ||
	    x509_name_hash(c->issuer, n->issuer_hash) != ASSAY_OK) {
		n->in_roots.count = 0;
		n->in_device = p->ndevice;
	}
}

static bool
next_in_roots(struct path_node *child, struct path_node *ret)
{
	struct roots_entry entry;

	while (roots_next(&child->in_roots, &entry)) {
		if (x509_parse(entry.der, &ret->cert) != ASSAY_OK)
			continue;
		ret->is_root = entry.is_root;
		ret->from_device = false;
		return true;
	}
	return false;
}

static bool
next_from_device(const struct path *p, struct path_node *child, struct path_node *ret)
{
	while (child->in_device < p->ndevice) {
		size_t i = child->in_device++;

		if (!span_equal(SPAN(p->device_hash[i], X509_NAME_HASH_SIZE),
				SPAN(child->issuer_hash, X509_NAME_HASH_SIZE)))
			continue;
		ret->cert = p->device[i];
		ret->is_root = false; /* whatever it says of itself */
		ret->from_device = true;
		return true;
	}
	return false;
}

static bool
is_in_path(const struct path *p, const struct x509 *c)
{
	for (unsigned i = 0; i <= p->depth; i++)
		if (span_equal(p->node[i].cert.der, c->der))
			return true;
	return false;
}

static bool
next_candidate(struct path *p, struct path_node *child, struct path_node *ret)
{
	while (next_in_roots(child, ret) || next_from_device(p, child, ret)) {
		ret->facts = 0;
		if (!is_in_path(p, &ret->cert))
			return true;
	}
	return false;
}

/* ---- what an issuer must be ----------------------------------------------- */

static enum ekcert_reason
decode_key(struct path_node *issuer)
{
	enum assay_err e = key_from_spki(issuer->cert.spki, &issuer->key);

	if (e != ASSAY_OK)
		return issuer->cert.spki.n > SPKI_RSA4096_MAX ? EKCERT_ISSUER_KEY_TOO_LARGE
							      : EKCERT_ISSUER_KEY;
	return key_check(&issuer->key) == ASSAY_OK ? EKCERT_CHAIN_OK : EKCERT_ISSUER_KEY;
}

/* Certificates between this issuer and the EK's that count: RFC 5280, 4.2.1.9 */
static int
intermediates_below(const struct path *p)
{
	int n = 0;

	for (unsigned i = 1; i <= p->depth; i++)
		n += !span_equal(p->node[i].cert.subject, p->node[i].cert.issuer);
	return n;
}

static enum ekcert_reason
may_issue(const struct path *p, const struct x509 *c)
{
	if (!c->has_basic_constraints || !c->is_ca)
		return EKCERT_ISSUER_NOT_CA;
	if (c->has_key_usage && !(c->key_usage & X509_KU_CERT_SIGN))
		return EKCERT_ISSUER_KEY_USAGE;
	if (c->has_eku && !(c->eku & (X509_EKU_TPM_EK | X509_EKU_ANY)))
		return EKCERT_ISSUER_PURPOSE;
	if (c->unknown_critical > 0 || c->has_name_constraints)
		return EKCERT_ISSUER_EXTENSION;
	if (c->pathlen != X509_PATHLEN_NONE && intermediates_below(p) > c->pathlen)
		return EKCERT_PATH_LENGTH;
	return EKCERT_CHAIN_OK;
}

/* Two CAs may share a name, and both say so by their key identifiers. */
static bool
is_another_key(struct span authority, struct span subject)
{
	return authority.n > 0 && subject.n > 0 && !span_equal(authority, subject);
}

/* ---- revocation ----------------------------------------------------------- */

/* True if the list names the child; facts about the list go to the issuer. */
static bool
is_listed(const struct path *p, struct span list, struct path_node *issuer)
{
	const struct x509 *child = &p->node[p->depth].cert;
	struct x509_crl crl;
	bool listed = false;

	if (x509_crl_parse(list, &crl) != ASSAY_OK) {
		issuer->facts |= EKCERT_FACT_CRL_UNUSABLE;
		return false;
	}
	if (is_another_key(crl.akid, issuer->cert.skid))
		return false;
	if (x509_crl_verify(&crl, &issuer->key) != ASSAY_OK ||
	    x509_crl_lists(&crl, child->serial, &listed) != ASSAY_OK) {
		issuer->facts |= EKCERT_FACT_CRL_UNUSABLE;
		return false;
	}
	if (crl.partial)
		issuer->facts |= EKCERT_FACT_CRL_UNUSABLE;
	if (crl.next_update < p->in->time)
		issuer->facts |= EKCERT_FACT_CRL_STALE;
	return listed;
}

static enum ekcert_reason
check_revocation(struct path *p, struct path_node *issuer)
{
	struct roots_search s;
	struct roots_entry entry;
	unsigned tried = 0;

	roots_find_crl(p->in->roots, issuer->cert.subject, issuer->cert.skid, &s);
	while (roots_next(&s, &entry)) {
		if (tried++ == EKCERT_CRLS_MAX) {
			issuer->facts |= EKCERT_FACT_CRL_UNUSABLE;
			break;
		}
		if (is_listed(p, entry.der, issuer)) {
			p->found_revoked = true;
			return p->depth == 0 ? EKCERT_REVOKED : EKCERT_ISSUER_REVOKED;
		}
	}
	return EKCERT_CHAIN_OK;
}

/* ---- the search ----------------------------------------------------------- */

static uint32_t
time_facts(const struct path *p, const struct x509 *c)
{
	uint32_t facts = 0;

	if (p->in->time > c->not_after)
		facts |= EKCERT_FACT_ISSUER_EXPIRED;
	if (p->in->time < c->not_before)
		facts |= EKCERT_FACT_ISSUER_NOT_YET_VALID;
	return facts;
}

static enum ekcert_reason
check_signature(const struct path_node *child, const struct path_node *issuer)
{
	if (x509_verify(&child->cert, &issuer->key) == ASSAY_OK)
		return EKCERT_CHAIN_OK;
	/* A namesake is not blamed for what another key signed. */
	if (is_another_key(child->cert.akid, issuer->cert.skid) ||
	    span_equal(child->cert.issuer, child->cert.subject))
		return EKCERT_ISSUER_MISSING;
	return EKCERT_BAD_SIGNATURE;
}

/* The signature comes first: only what really issued the child is blamed for more. */
static enum ekcert_reason
check_issuer(struct path *p, struct path_node *issuer)
{
	const struct path_node *child = &p->node[p->depth];
	enum ekcert_reason r;

	p->checks++;
	if ((r = decode_key(issuer)) != EKCERT_CHAIN_OK ||
	    (r = check_signature(child, issuer)) != EKCERT_CHAIN_OK ||
	    (r = may_issue(p, &issuer->cert)) != EKCERT_CHAIN_OK)
		return r;
	if (issuer->cert.not_after < child->cert.not_before)
		return EKCERT_ISSUED_TOO_LATE;
	return check_revocation(p, issuer);
}

static void
note_failure(struct path *p, enum ekcert_reason r)
{
	if (r == EKCERT_ISSUER_MISSING && p->depth > 0)
		r = EKCERT_ROOT_MISSING;
	if (p->failure != EKCERT_UNDECIDED && p->failure_depth > p->depth)
		return;
	if (p->failure_depth == p->depth && p->failure > r)
		return;
	p->failure = r;
	p->failure_depth = p->depth;
}

/* No further candidate for the last node: why, unless something better is known. */
static void
note_exhausted(struct path *p)
{
	if (p->failure != EKCERT_UNDECIDED && p->failure_depth >= p->depth)
		return;
	note_failure(p, p->depth == EKCERT_DEPTH_MAX ? EKCERT_SEARCH_LIMIT
						     : EKCERT_ISSUER_MISSING);
}

/* Try the next candidate for the last node: true if the search goes on from it. */
static bool
extend(struct path *p, struct path_node *issuer)
{
	enum ekcert_reason r;

	issuer->facts |= time_facts(p, &issuer->cert);
	if (issuer->facts != 0 && !p->any_time) {
		p->time_skipped = true;
		return false;
	}
	r = check_issuer(p, issuer);
	if (r != EKCERT_CHAIN_OK) {
		note_failure(p, r);
		return false;
	}
	p->depth++;
	return true;
}

static enum ekcert_reason
search(struct path *p)
{
	p->depth = 0;
	start_candidates(p, &p->node[0]);
	while (p->checks < EKCERT_CHECKS_MAX) {
		struct path_node *child = &p->node[p->depth];
		struct path_node *issuer = &p->node[p->depth + 1];

		if (p->depth == EKCERT_DEPTH_MAX || !next_candidate(p, child, issuer)) {
			note_exhausted(p);
			if (p->depth == 0)
				return p->failure;
			p->depth--;
			continue;
		}
		if (!extend(p, issuer))
			continue;
		if (issuer->is_root)
			return EKCERT_CHAIN_OK;
		start_candidates(p, issuer);
	}
	return EKCERT_SEARCH_LIMIT;
}

enum ekcert_reason
path_find(struct path *p, const struct ekcert_input *in, const struct x509 *cert)
{
	enum ekcert_reason r;

	*p = (struct path){.in = in};
	p->node[0].cert = *cert;
	read_device_certificates(p);
	r = search(p);
	/* What was revoked is not saved by an older certificate of the same key. */
	if (r == EKCERT_CHAIN_OK || !p->time_skipped || p->found_revoked)
		return r;
	p->any_time = true;
	p->failure = EKCERT_UNDECIDED;
	p->failure_depth = 0;
	return search(p);
}
