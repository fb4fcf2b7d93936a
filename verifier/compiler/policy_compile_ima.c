/* policy_compile_ima.c: section `ima` of a policy file; see policy_compile.h. */
#include "policy_source.h"

#include "verifier/appraise/certfile.h"
#include "verifier/appraise/glob.h"
#include "verifier/appraise/x509.h"

#include <stdlib.h>
#include <string.h>

#define BOOT_PCRS 0x3FFu /* 0 to 9: boot_aggregate */

static const struct need {
	enum ima_list_need list;
	enum ima_sign_need sign;
} needs[] = {
#define X(word, list, sign) {IMA_LIST_##list, IMA_SIGN_##sign},
	IMA_NEEDS(X)
#undef X
};

struct ima_job {
	const struct source_ima *src;
	const struct yaml_node *at;
	struct policy_ima out;
	uint8_t *der; /* certificates, taken out of PEM */
	size_t der_cap, der_used;
};

static const struct yaml_node *
part(const struct compile *c, const struct yaml_node *at, const char *key)
{
	const struct yaml_node *n = yaml_find(c->doc, at, key);

	return n ? n : at;
}

static struct span
text(struct compile *c, const struct yaml_node *at, const char *s, const char *what)
{
	if (!s)
		return SPAN(NULL, 0);
	if (!source_printable(s))
		source_error(c, at, "%s is one line of printable ASCII", what);
	return SPAN(s, strlen(s));
}

static void
compile_lists(struct compile *c, struct ima_job *j)
{
	const struct yaml_node *list = part(c, j->at, "lists");

	for (unsigned i = 0; i < j->src->lists_count; i++) {
		const struct yaml_node *at = yaml_item(c->doc, list, i);

		for (unsigned k = 0; k < i; k++)
			if (strcmp(j->src->lists[k], j->src->lists[i]) == 0)
				source_error(c, at, "list \"%s\" stands twice", j->src->lists[i]);
		j->out.list[j->out.nlists++] = text(c, at, j->src->lists[i], "a list's name");
	}
}

/* ---- keyrings --------------------------------------------------------------- */

static bool
certificate_sound(struct compile *c, const struct yaml_node *at, struct span der)
{
	struct x509 x;
	struct key k;

	if (der.n > IMA_CERTIFICATE_MAX)
		source_error(c, at, "a certificate is over %u bytes", IMA_CERTIFICATE_MAX);
	else if (x509_parse(der, &x) != ASSAY_OK)
		source_error(c, at, "a certificate cannot be read");
	else if (key_from_spki(x.spki, &k) != ASSAY_OK || key_check(&k) != ASSAY_OK)
		source_error(c, at,
			     "a certificate's key cannot be used: RSA from 2048 to 4096 "
			     "bits, or ECC P-256, P-384, P-521");
	else
		return true;
	return false;
}

static void
compile_certificates(struct compile *c, struct ima_job *j, const struct yaml_node *at,
		     struct ima_keyring *k)
{
	const char *pem = j->src->keyrings[k - j->out.keyring].certificates;
	struct certfile_item item;
	struct certfile f;
	enum assay_err e;

	certfile_open(&f, SPAN(pem, strlen(pem)), j->der + j->der_used, j->der_cap - j->der_used);
	while ((e = certfile_next(&f, &item)) == ASSAY_OK) {
		if (item.is_crl) {
			source_error(c, at, "a revocation list is no certificate");
			return;
		}
		if (j->out.ncertificates == IMA_KEYS_MAX) {
			source_error(c, at, "more than %u certificates in all keyrings",
				     IMA_KEYS_MAX);
			return;
		}
		if (!certificate_sound(c, at, item.der))
			return;
		j->out.certificate[j->out.ncertificates++] = item.der;
		k->ncertificates++;
	}
	j->der_used += f.used;
	if (e != ASSAY_NOT_FOUND || k->ncertificates == 0)
		source_error(c, at, "needs certificates in PEM");
}

static void
compile_keyrings(struct compile *c, struct ima_job *j)
{
	const struct yaml_node *list = part(c, j->at, "keyrings");

	for (unsigned i = 0; i < j->src->keyrings_count; i++) {
		const struct source_ima_keyring *s = &j->src->keyrings[i];
		const struct yaml_node *at = yaml_item(c->doc, list, i);
		struct ima_keyring *k = &j->out.keyring[j->out.nkeyrings++];

		k->name = text(c, part(c, at, "name"), s->name, "a keyring's name");
		for (unsigned n = 0; n < i; n++)
			if (strcmp(j->src->keyrings[n].name, s->name) == 0)
				source_error(c, at, "keyring \"%s\" stands twice", s->name);
		k->runtime = s->runtime;
		k->allow_expired = s->allow_expired;
		k->first = j->out.ncertificates;
		compile_certificates(c, j, part(c, at, "certificates"), k);
	}
}

/* ---- paths -------------------------------------------------------------------- */

static uint8_t
keyring_number(struct compile *c, const struct ima_job *j, const struct yaml_node *at,
	       const char *name)
{
	if (!name)
		return IMA_KEYRINGS_MAX;
	for (unsigned i = 0; i < j->src->keyrings_count; i++)
		if (strcmp(j->src->keyrings[i].name, name) == 0)
			return (uint8_t)i;
	source_error(c, at, "there is no keyring \"%s\"", name);
	return IMA_KEYRINGS_MAX;
}

static void
check_need(struct compile *c, const struct ima_job *j, const struct yaml_node *at,
	   const struct need *n)
{
	if (n->sign != IMA_SIGN_NOTHING && j->src->keyrings_count == 0)
		source_error(c, at, "a signature is needed, and there are no keyrings");
}

static enum assay_err
check_pattern(struct compile *c, const struct yaml_node *at, const char *match, struct glob *g)
{
	enum assay_err e = glob_compile(SPAN(match, strlen(match)), g);

	if (e == ASSAY_TOO_MANY)
		source_error(c, at, "more than %u steps between the first and the last wildcard",
			     GLOB_STEPS_MAX);
	else if (e != ASSAY_OK)
		source_error(c, at, "no pattern: %s", assay_err_text(e));
	else if (strchr(match, ' '))
		source_error(c, at, "no path matches this: IMA writes blanks as underscores");
	return e;
}

/* D3: what is left out has a pattern and a reason, and is told in every verdict. */
static void
compile_path(struct compile *c, struct ima_job *j, const struct yaml_node *at, unsigned i)
{
	const struct source_ima_path *s = &j->src->paths[i];
	struct ima_path *p = &j->out.path[i];
	const struct need *n = &needs[s->need - 1];
	struct glob g;
	enum assay_err e;

	p->pattern = SPAN(s->match, strlen(s->match));
	p->list = n->list;
	p->sign = n->sign;
	p->reason = text(c, part(c, at, "reason"), s->reason, "reason");
	p->keyring = keyring_number(c, j, part(c, at, "keyring"), s->keyring);
	check_need(c, j, part(c, at, "need"), n);
	e = check_pattern(c, part(c, at, "match"), s->match, &g);
	if (n->list != IMA_LIST_NOTHING || n->sign != IMA_SIGN_NOTHING)
		return;
	if (!s->reason)
		source_error(c, at, "what is not judged needs a reason");
	if (e == ASSAY_OK && g.head_len <= 1 && g.tail_len == 0 && g.rest)
		source_error(c, part(c, at, "match"), "this pattern leaves out every file");
}

static void
compile_paths(struct compile *c, struct ima_job *j)
{
	const struct yaml_node *list = part(c, j->at, "paths");
	const struct need *rest = &needs[j->src->need - 1];

	check_need(c, j, part(c, j->at, "need"), rest);
	j->out.list_rest = rest->list;
	j->out.sign_rest = rest->sign;
	for (unsigned i = 0; i < j->src->paths_count; i++)
		compile_path(c, j, yaml_item(c->doc, list, i), i);
	j->out.npaths = (uint8_t)j->src->paths_count;
}

/* ---- outcomes ------------------------------------------------------------------ */

static uint8_t
severity_of(uint8_t cap)
{
	return cap == OUTCOME_QUARANTINE ? SEV_HIGH
	       : cap == OUTCOME_RESTRICT ? SEV_MEDIUM
					 : SEV_INFO;
}

static void
compile_outcomes(struct compile *c, struct ima_job *j)
{
	const struct yaml_node *list = part(c, j->at, "outcomes");
	uint32_t said = 0;

	for (unsigned i = 0; i < IMA_MATTER_COUNT; i++) {
		j->out.outcome[i].cap = (uint8_t)ima_matter_unsaid((enum ima_matter)i);
		j->out.outcome[i].severity = severity_of(j->out.outcome[i].cap);
	}
	j->out.outcome[IMA_MATTER_KNOWN_BAD].severity = SEV_CRITICAL;
	for (unsigned i = 0; i < j->src->outcomes_count; i++) {
		const struct source_ima_outcome *s = &j->src->outcomes[i];
		const struct yaml_node *at = yaml_item(c->doc, list, i);
		struct ima_outcome *o = &j->out.outcome[s->finding];

		if (said >> s->finding & 1)
			source_error(c, at, "finding \"%s\" stands twice",
				     ima_matter_word((enum ima_matter)s->finding));
		said |= 1u << s->finding;
		o->cap = source_outcome(s->outcome, OUTCOME_QUARANTINE);
		o->severity = s->severity ? (uint8_t)(s->severity - 1) : severity_of(o->cap);
		o->remedy = text(c, part(c, at, "remediation"), s->remediation, "remediation");
	}
}

/* ---- the section ----------------------------------------------------------------- */

static void
check_pcrs(struct compile *c, const struct ima_job *j)
{
	uint32_t ima = 1u << IMALOG_PCR;

	if ((c->asked & ima) == 0)
		source_error(c, j->at, "ima needs PCR %u in ask", IMALOG_PCR);
	if ((c->asked & BOOT_PCRS) != BOOT_PCRS)
		source_error(c, j->at, "ima needs PCR 0 to 9 in ask, for boot_aggregate");
	if ((c->policy.compare | c->policy.unlogged) & ima)
		source_error(c, j->at, "ima judges PCR %u: take it out of references", IMALOG_PCR);
}

static size_t
pem_length(const struct source_ima *s)
{
	size_t n = 1;

	for (unsigned i = 0; i < s->keyrings_count; i++)
		n += strlen(s->keyrings[i].certificates);
	return n;
}

void
policy_compile_ima(struct compile *c)
{
	struct ima_job j = {.src = c->src->ima, .at = source_at(c, "ima", NULL)};
	struct writer w;
	size_t n = 0;

	if (!j.src)
		return;
	j.der_cap = pem_length(j.src);
	j.der = malloc(j.der_cap);
	c->ima = malloc(IMA_POLICY_BYTES_MAX);
	if (!j.der || !c->ima) {
		source_error(c, j.at, "out of memory");
		free(j.der);
		return;
	}
	j.out.weak_digests = j.src->weak_digests;
	check_pcrs(c, &j);
	compile_lists(c, &j);
	compile_keyrings(c, &j);
	compile_paths(c, &j);
	compile_outcomes(c, &j);
	wr_init(&w, c->ima, IMA_POLICY_BYTES_MAX);
	if (c->errs->count == 0) {
		policy_ima_write(&w, &j.out);
		if (wr_finish(&w, &n) != ASSAY_OK)
			source_error(c, j.at, "the section is too large");
		c->policy.ima = SPAN(c->ima, n);
	}
	free(j.der);
}
