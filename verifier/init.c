/* init.c: see init.h. */
#include "init.h"

#include "keys.h"
#include "random.h"

#include "evidence/hex.h"
#include "verifier/appraise/policy.h"
#include "verifier/compiler/policy_compile.h"
#include "verifier/ledger/ledger.h"
#include "verifier/result/signing.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define OPERATOR_DAYS 365

static int
fail(int status, const char *what, const char *path, const char *why)
{
	fprintf(stderr, "assay-verifier: %s %s: %s\n", what, path, why);
	return status;
}

static bool
make_dir(const char *state, const char *name)
{
	char path[CONFIG_PATH_MAX + 32];

	snprintf(path, sizeof path, "%s%s%s", state, name[0] ? "/" : "", name);
	if (mkdir(path, 0700) == 0 || errno == EEXIST)
		return true;
	fail(3, "cannot make", path, strerror(errno));
	return false;
}

static bool
make_dirs(const char *state)
{
	return make_dir(state, "") && make_dir(state, "keys") && make_dir(state, "tls") &&
	       make_dir(state, "run") && make_dir(state, "ek-roots") &&
	       make_dir(state, "dice-roots") && make_dir(state, "token-roots");
}

/* Text for a YAML double-quoted scalar; refuses what would need escaping. */
static bool
plain(const char *s)
{
	for (; *s; s++)
		if (*s == '"' || *s == '\\' || (unsigned char)*s < 0x20)
			return false;
	return true;
}

static bool
write_config(const struct init_options *o, const char *state)
{
	char text[4 * CONFIG_PATH_MAX];
	enum assay_err e;
	int n;

	if (!plain(o->listen) || !plain(o->roots)) {
		fail(64, "not usable in the configuration:", o->roots,
		     "quotes or control characters");
		return false;
	}
	n = snprintf(text, sizeof text,
		     "# The verifier's configuration. Keys that are not here have their defaults:\n"
		     "# see assay-verifier(8) or docs/deployment.md.\n"
		     "listen: \"%s\"\n"
		     "ek_roots: \"%s\"\n"
		     "dice_roots: dice-roots\n"
		     "token_roots: token-roots\n"
		     "accept_virtual_tpm: %s\n",
		     o->listen, o->roots, o->accept_virtual ? "true" : "false");
	e = keys_write_file(state, "verifier.yaml", (const uint8_t *)text, (size_t)n);
	if (e == ASSAY_OK || e == ASSAY_EXISTS)
		return true;
	fail(3, "cannot write", "verifier.yaml", assay_err_text(e));
	return false;
}

static bool
make_tls(const char *state, const char *cert, const char *key, const char *name)
{
	char dir[CONFIG_PATH_MAX + 8];
	enum assay_err e;

	snprintf(dir, sizeof dir, "%s/tls", state);
	e = keys_make_tls(dir, cert, key, name);
	if (e == ASSAY_OK || e == ASSAY_EXISTS)
		return true;
	fail(4, "cannot make", cert, assay_err_text(e));
	return false;
}

static enum assay_err
add_policy(struct ledger *l, const struct shipped_policy *p)
{
	static uint8_t compiled[POLICY_BYTES_MAX];
	static struct yaml_errors errs;
	struct span source = SPAN(p->bytes, p->len);
	struct ledger_policy row = {.source = source, .created = time(NULL)};
	struct ledger_why why = {.at = row.created};
	struct policy_info info;
	struct writer w;
	enum assay_err e;

	wr_init(&w, compiled, sizeof compiled);
	if ((e = policy_compile(source, p->name, &w, &errs)) != ASSAY_OK) {
		fprintf(stderr, "assay-verifier: %s\n", errs.count ? errs.e[0].text : p->name);
		return e;
	}
	row.compiled = wr_span(&w);
	if ((e = policy_info(row.compiled, &info)) != ASSAY_OK)
		return e;
	memcpy(row.digest, info.digest, sizeof row.digest);
	snprintf(row.name, sizeof row.name, "%s", info.name);
	row.version = info.version;
	snprintf(row.author, sizeof row.author, "init");
	snprintf(row.comment, sizeof row.comment, "shipped with Assay " ASSAY_VERSION);
	if ((e = ledger_policy_insert(l, &row)) != ASSAY_OK)
		return e;
	snprintf(why.actor, sizeof why.actor, "init");
	snprintf(why.comment, sizeof why.comment, "%s", row.comment);
	if ((e = ledger_policy_activate(l, row.digest)) != ASSAY_OK)
		return e;
	return ledger_policy_activated(l, row.digest, &why);
}

static enum assay_err
add_operator(struct ledger *l, const char *state)
{
	struct ledger_operator o = {.credential = CREDENTIAL_TOKEN, .role = ROLE_ADMIN,
				    .created = time(NULL)};
	uint8_t secret[32];
	char text[2 * sizeof secret + 2];
	enum assay_err e;
	size_t n;

	snprintf(o.name, sizeof o.name, "admin");
	o.expires = o.created + OPERATOR_DAYS * 86400;
	if ((e = random_bytes(secret, sizeof secret)) != ASSAY_OK ||
	    (e = hex_encode(SPAN(secret, sizeof secret), text, sizeof text)) != ASSAY_OK ||
	    (e = digest_sha256(SPAN(text, strlen(text)), o.hash)) != ASSAY_OK ||
	    (e = ledger_operator_insert(l, &o)) != ASSAY_OK)
		return e;
	n = strlen(text);
	text[n] = '\n';
	text[n + 1] = '\0';
	e = keys_write_file(state, "operator.token", (const uint8_t *)text, strlen(text));
	explicit_bzero(text, sizeof text);
	explicit_bzero(secret, sizeof secret);
	return e;
}

static enum assay_err
fill_ledger(struct ledger *l, const char *state)
{
	struct ledger_audit a = {.at = time(NULL), .actor = "init", .action = "state.init"};
	enum assay_err e = ledger_begin(l);

	for (const struct shipped_policy *p = shipped_policies; p->name && e == ASSAY_OK; p++)
		e = add_policy(l, p);
	if (e != ASSAY_OK || (e = add_operator(l, state)) != ASSAY_OK ||
	    (e = ledger_audit_append(l, &a)) != ASSAY_OK) {
		ledger_rollback(l);
		return e;
	}
	return ledger_commit(l);
}

static bool
make_ledger(const char *state)
{
	char path[CONFIG_PATH_MAX + 32], dir[CONFIG_PATH_MAX + 32];
	struct ledger_report report = {0};
	struct ledger *l = NULL;
	uint8_t key[32];
	enum assay_err e;

	snprintf(path, sizeof path, "%s/ledger.db", state);
	snprintf(dir, sizeof dir, "%s/keys", state);
	if ((e = random_bytes(key, sizeof key)) != ASSAY_OK ||
	    (e = keys_write_file(dir, "ledger.key", key, sizeof key)) != ASSAY_OK) {
		fail(3, "cannot write", "keys/ledger.key",
		     e == ASSAY_EXISTS ? "it exists: this state directory has a verifier already"
				       : assay_err_text(e));
		return false;
	}
	if ((e = ledger_create(path, key, &report)) != ASSAY_OK ||
	    (e = ledger_open(path, key, &l, &report)) != ASSAY_OK ||
	    (e = fill_ledger(l, state)) != ASSAY_OK)
		fail(4, "cannot make", path, report.text[0] ? report.text : assay_err_text(e));
	ledger_close(l);
	explicit_bzero(key, sizeof key);
	return e == ASSAY_OK;
}

/* The keys that sign what leaves; the first one is what relying parties pin. */
static bool
make_signing(const char *state, char root[JWS_KID_SIZE])
{
	char dir[CONFIG_PATH_MAX + 8];
	struct signing *s = NULL;
	enum assay_err e;

	snprintf(dir, sizeof dir, "%s/keys", state);
	if ((e = signing_open(dir, time(NULL), &s)) != ASSAY_OK) {
		fail(4, "cannot make the signing keys in", dir, assay_err_text(e));
		return false;
	}
	snprintf(root, JWS_KID_SIZE, "%s", signing_root(s));
	signing_close(s);
	return true;
}

int
init_state(const struct init_options *opt)
{
	char state[CONFIG_PATH_MAX], roots[CONFIG_PATH_MAX], root[JWS_KID_SIZE];
	struct init_options o = *opt;
	enum assay_err e;

	if (!make_dir(o.state, ""))
		return 3;
	if ((e = keys_real_path(o.state, state, sizeof state)) != ASSAY_OK)
		return fail(3, "cannot use", o.state, assay_err_text(e));
	if (o.roots && (e = keys_real_path(o.roots, roots, sizeof roots)) != ASSAY_OK)
		return fail(3, "cannot use", o.roots, assay_err_text(e));
	if (!o.roots)
		snprintf(roots, sizeof roots, "%.480s/ek-roots", state);
	o.roots = roots;
	if (!make_dirs(state))
		return 3;
	if (!make_ledger(state) || !make_signing(state, root) || !write_config(&o, state) ||
	    !make_tls(state, "cert.pem", "key.pem", o.name) ||
	    !make_tls(state, "console-cert.pem", "console-key.pem", o.name))
		return 3;
	printf("%s is a verifier now. Next:\n"
	       "  put your TPM manufacturers' certificates into %s\n"
	       "  assay-verifier run --state %s\n"
	       "The first operator's token is in %s/operator.token\n"
	       "Relying parties pin its key: %s\n",
	       state, roots, state, state, root);
	return 0;
}
