/* identity.c: see identity.h. */
#include "identity.h"

#include "attester/armour.h"
#include "evidence/hex.h"
#include "report.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#define CERTIFICATE_MAX 8192
#define FILE_MAX (64u << 10)
#define KEY_FILE_TPM "ak.blob"
#define KEY_FILE_SOFTWARE "key.der"

struct identity {
	const struct options *o;
	struct statedir *s;
	void *memory; /* of one of these */
	struct assay_tpm *tpm;
	struct assay_key *key;
	struct assay_token *token;
	char name[2 * 66 + 1];
	uint8_t start_id[16];
	uint64_t start_count;
	uint8_t *certificates; /* ASSAY_CHAIN_MAX + ASSAY_LAYERS_MAX of CERTIFICATE_MAX */
	char pin[128];
};

const char *
identity_key_file(const struct options *o)
{
	if (o->identity == IDENTITY_TPM)
		return KEY_FILE_TPM;
	return o->identity == IDENTITY_SOFTWARE && !o->key_file[0] ? KEY_FILE_SOFTWARE : NULL;
}

static int
keep_name(struct identity *i, struct assay_bytes name)
{
	return hex_encode(SPAN(name.data, name.len), i->name, sizeof i->name) == ASSAY_OK
		       ? AGENT_YES
		       : report_fatal(AGENT_FAULT, "the key has no name");
}

/* ---- files ---- */

/* A whole file; private: nobody but its owner may read it. */
static int
read_file(const char *path, bool private, uint8_t *buf, size_t *ret_len)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;
	ssize_t got = -1;
	int status = AGENT_YES;

	*ret_len = 0;
	if (fd < 0 || fstat(fd, &st) != 0) {
		status = report_fatal(AGENT_NO_ACCESS, "%s: %s", path, strerror(errno));
	} else if (private && (st.st_mode & (S_IRWXG | S_IRWXO))) {
		status = report_fatal(AGENT_BAD_INPUT,
				      "%s: is open to others than its owner; chmod 600 it, and "
				      "consider the key known",
				      path);
	} else {
		while (*ret_len < FILE_MAX &&
		       (got = read(fd, buf + *ret_len, FILE_MAX - *ret_len)) > 0)
			*ret_len += (size_t)got;
		if (got < 0 || *ret_len == FILE_MAX)
			status = report_fatal(AGENT_BAD_INPUT, "%s: %s", path,
					      got < 0 ? strerror(errno) : "is too large");
	}
	if (fd >= 0)
		close(fd);
	return status;
}

/* The certificates of a PEM file, or the one of a DER file. */
static int
read_certificates(struct identity *i, const char *path, unsigned first, unsigned max,
		  struct assay_bytes *ret, uint8_t *ret_count)
{
	uint8_t *buf = malloc(FILE_MAX), *to = i->certificates + first * CERTIFICATE_MAX;
	int status = buf ? AGENT_YES : report_fatal(AGENT_FAULT, "no memory");
	enum assay_err e = ASSAY_OK;
	size_t n = 0, at = 0, len = 0;

	*ret_count = 0;
	if (status == AGENT_YES)
		status = read_file(path, false, buf, &n);
	if (status == AGENT_YES && !armour_is(SPAN(buf, n))) {
		if (n > CERTIFICATE_MAX)
			status = report_fatal(AGENT_BAD_INPUT, "%s: is too large", path);
		else
			memcpy(to, buf, n);
		ret[(*ret_count)++] = (struct assay_bytes){to, n};
	} else if (status == AGENT_YES) {
		while (*ret_count < max && (e = armour_next(SPAN(buf, n), &at, "CERTIFICATE", to,
							 CERTIFICATE_MAX, &len)) == ASSAY_OK) {
			ret[(*ret_count)++] = (struct assay_bytes){to, len};
			to += CERTIFICATE_MAX;
		}
		if (*ret_count == 0 || (e != ASSAY_NOT_FOUND && e != ASSAY_OK))
			status = report_fatal(AGENT_BAD_INPUT,
					      "%s: holds no certificate, or a damaged one", path);
		else if (*ret_count == max &&
			 armour_next(SPAN(buf, n), &at, "CERTIFICATE", to - CERTIFICATE_MAX,
				  CERTIFICATE_MAX, &len) == ASSAY_OK)
			status = report_fatal(AGENT_BAD_INPUT,
					      "%s: holds more than %u certificates", path, max);
	}
	free(buf);
	return status;
}

/* ---- a TPM ---- */

/* What tpm2-tss calls an IO failure of a device file, in the kernel's words. */
static const char *
device_problem(const char *tcti)
{
	if (strncmp(tcti, "device:", 7) != 0 || access(tcti + 7, R_OK | W_OK) == 0)
		return "";
	return errno == EACCES ? " (Permission denied: on Debian its group is tss)"
			       : errno == ENOENT ? " (No such file or directory: is the TPM "
						   "switched on "
						   "in the firmware's settings?)"
						 : "";
}

static int
tpm_status(const struct identity *i, enum assay_err e)
{
	const char *detail = i->tpm ? assay_tpm_detail(i->tpm) : "";
	bool ours = e == ASSAY_TAMPERED || e == ASSAY_MISMATCH || e == ASSAY_MISSING;

	if (ours)
		return report_fatal(AGENT_BAD_INPUT, "%s/ak.blob: %s%s%s", i->s->path,
				    *detail ? detail : assay_err_text(e), *detail ? "" : "; ",
				    *detail ? "" : "restore it");
	return report_fatal(AGENT_NO_ACCESS, "TPM %s: %s%s", i->o->tcti,
			    *detail ? detail : assay_err_text(e), device_problem(i->o->tcti));
}

/* With the key that is kept or a new one, which is then kept. */
static int
open_tpm(struct identity *i)
{
	struct assay_tpm_config c = {.tcti = i->o->tcti,
				     .ek = i->o->ek,
				     .ak = i->o->ak,
				     .key = {i->s->key, i->s->key_len},
				     .create = i->s->key_len == 0,
				     .persistent = i->o->ak_handle};
	uint8_t key[ASSAY_KEY_BLOB_MAX];
	size_t n = 0;
	enum assay_err e;

	i->memory = calloc(1, assay_tpm_size());
	if (!i->memory)
		return report_fatal(AGENT_FAULT, "%s", assay_err_text(ASSAY_NO_MEMORY));
	if ((e = assay_tpm_init(i->memory, assay_tpm_size(), &c, &i->tpm)) != ASSAY_OK ||
	    (e = assay_tpm_start(i->tpm)) != ASSAY_OK)
		return tpm_status(i, e);
	if (c.create) {
		if ((e = assay_tpm_key(i->tpm, key, sizeof key, &n)) != ASSAY_OK ||
		    (e = statedir_write_key(i->s, key, n)) != ASSAY_OK)
			return report_fatal(AGENT_FAULT, "%s",
					    i->s->complaint[0] ? i->s->complaint
							       : assay_err_text(e));
		report(REPORT_INFO, "key-made", "file", KEY_FILE_TPM, "ek",
		       assay_ek_name(assay_tpm_ek(i->tpm)), "ak", assay_ak_name(i->o->ak), NULL);
	}
	return keep_name(i, assay_tpm_ak_name(i->tpm));
}

/* ---- a key in memory: a software key, or what a DICE boot stage left ---- */

/* A key is made once, when there is none and the device is not enrolled. */
static int
make_key(struct identity *i)
{
	uint8_t der[ASSAY_KEY_BLOB_MAX];
	size_t n = 0;
	enum assay_err e = assay_key_make(i->o->key_type, der, sizeof der, &n);

	if (e == ASSAY_OK)
		e = statedir_write_key(i->s, der, n);
	explicit_bzero(der, sizeof der);
	if (e != ASSAY_OK)
		return report_fatal(AGENT_FAULT, "%s",
				    i->s->complaint[0] ? i->s->complaint : assay_err_text(e));
	report(REPORT_INFO, "key-made", "file", KEY_FILE_SOFTWARE, "type",
	       assay_key_kind_name(i->o->key_type), NULL);
	return AGENT_YES;
}

static const char *
key_problem(enum assay_err e)
{
	switch (e) {
	case ASSAY_MALFORMED:
		return "is no private key that can be read (PEM or DER, not encrypted)";
	case ASSAY_MISMATCH:
		return "is another key than that of the certificate";
	case ASSAY_UNSUPPORTED:
		return "is of a kind that cannot attest: P-256, P-384, Ed25519 or RSA";
	default:
		return assay_err_text(e);
	}
}

static int
open_key(struct identity *i, struct assay_key_config *c, const char *path)
{
	enum assay_err e;

	i->memory = calloc(1, assay_key_size());
	if (!i->memory)
		return report_fatal(AGENT_FAULT, "%s", assay_err_text(ASSAY_NO_MEMORY));
	e = assay_key_init(i->memory, assay_key_size(), c, &i->key);
	if (e != ASSAY_OK)
		return report_fatal(AGENT_BAD_INPUT, "%s: %s", path, key_problem(e));
	return keep_name(i, assay_key_name(i->key));
}

/* From path, which only its owner may read. */
static int
open_key_file(struct identity *i, struct assay_key_config *c, const char *path)
{
	uint8_t *buf = malloc(FILE_MAX);
	size_t n = 0;
	int status = buf ? read_file(path, true, buf, &n) : AGENT_FAULT;

	if (status == AGENT_YES) {
		c->private_key = (struct assay_bytes){buf, n};
		status = open_key(i, c, path);
	}
	if (buf)
		explicit_bzero(buf, FILE_MAX);
	free(buf);
	return status;
}

static int
open_software(struct identity *i)
{
	struct assay_key_config c = {.private_key = {NULL, 0}};
	char path[STATEDIR_TEXT_MAX + 64];
	int status = AGENT_YES;

	if (i->o->certificate[0])
		status = read_certificates(i, i->o->certificate, 0, ASSAY_CHAIN_MAX, c.chain,
					   &c.chain_count);
	if (status != AGENT_YES)
		return status;
	if (i->o->key_file[0])
		return open_key_file(i, &c, i->o->key_file);
	if (i->s->key_len == 0 && (status = make_key(i)) != AGENT_YES)
		return status;
	(void)snprintf(path, sizeof path, "%.*s/" KEY_FILE_SOFTWARE, STATEDIR_TEXT_MAX, i->s->path);
	c.private_key = (struct assay_bytes){i->s->key, i->s->key_len};
	status = open_key(i, &c, path);
	explicit_bzero(i->s->key, sizeof i->s->key);
	return status;
}

/* DIR/chain.pem: the identity key's certificate, then the layers; DIR/alias.key. */
static int
open_dice(struct identity *i)
{
	struct assay_key_config c = {.private_key = {NULL, 0}};
	struct assay_bytes all[1 + ASSAY_LAYERS_MAX];
	char path[OPTIONS_TEXT_MAX + 16];
	uint8_t n = 0, more = 0;
	int status;

	(void)snprintf(path, sizeof path, "%s/chain.pem", i->o->dice);
	status = read_certificates(i, path, ASSAY_CHAIN_MAX, 1 + ASSAY_LAYERS_MAX, all, &n);
	if (status == AGENT_YES && n < 2)
		status = report_fatal(AGENT_BAD_INPUT,
				      "%s: needs the identity key's certificate and a layer", path);
	if (status == AGENT_YES && i->o->certificate[0])
		status = read_certificates(i, i->o->certificate, 0, ASSAY_CHAIN_MAX - 1,
					   c.chain + 1, &more);
	if (status != AGENT_YES)
		return status;
	c.chain[0] = all[0];
	c.chain_count = (uint8_t)(1 + more);
	for (uint8_t k = 1; k < n; k++)
		c.layer[c.layer_count++] = all[k];
	(void)snprintf(path, sizeof path, "%s/alias.key", i->o->dice);
	return open_key_file(i, &c, path);
}

/* ---- a token ---- */

static int
read_pin(struct identity *i)
{
	uint8_t *buf = malloc(FILE_MAX);
	size_t n = 0;
	int status = buf ? read_file(i->o->pkcs11_pin_file, true, buf, &n) : AGENT_FAULT;

	if (status == AGENT_YES) {
		buf[n < FILE_MAX ? n : FILE_MAX - 1] = '\0';
		n = strcspn((char *)buf, "\r\n");
		if (n == 0 || n >= sizeof i->pin)
			status = report_fatal(AGENT_BAD_INPUT, "%s: its first line is no PIN",
					      i->o->pkcs11_pin_file);
		else
			memcpy(i->pin, buf, n);
	}
	if (buf)
		explicit_bzero(buf, FILE_MAX);
	free(buf);
	return status;
}

static int
open_token(struct identity *i)
{
	struct assay_token_config c = {.module = i->o->pkcs11_module,
				       .token = i->o->pkcs11_token,
				       .key = i->o->pkcs11_key};
	int status = AGENT_YES;
	enum assay_err e;

	if (i->o->certificate[0])
		status = read_certificates(i, i->o->certificate, 0, ASSAY_CHAIN_MAX, c.chain,
					   &c.chain_count);
	if (status == AGENT_YES && i->o->pkcs11_pin_file[0])
		status = read_pin(i);
	if (status != AGENT_YES)
		return status;
	c.pin = i->pin[0] ? i->pin : NULL;
	i->memory = calloc(1, assay_token_size());
	if (!i->memory)
		return report_fatal(AGENT_FAULT, "%s", assay_err_text(ASSAY_NO_MEMORY));
	e = assay_token_open(i->memory, assay_token_size(), &c, &i->token);
	if (e != ASSAY_OK)
		return report_fatal(e == ASSAY_MISMATCH || e == ASSAY_MALFORMED ? AGENT_BAD_INPUT
										: AGENT_NO_ACCESS,
				    "token %s, key %s: %s", c.token, c.key,
				    assay_token_detail(i->memory));
	return keep_name(i, assay_token_name(i->token));
}

/* ---- all of them ---- */

static const struct kind {
	enum identity_kind kind;
	int (*open)(struct identity *i);
} kinds[] = {
	{IDENTITY_TPM, open_tpm},
	{IDENTITY_DICE, open_dice},
	{IDENTITY_TOKEN, open_token},
	{IDENTITY_SOFTWARE, open_software},
};

/* This start has a number and an id of its own, before anything is signed in it. */
static int
count_start(struct identity *i)
{
	if (getrandom(i->start_id, sizeof i->start_id, 0) != sizeof i->start_id)
		return report_fatal(AGENT_FAULT, "no random numbers");
	return statedir_count_start(i->s, &i->start_count) == ASSAY_OK
		       ? AGENT_YES
		       : report_fatal(AGENT_BAD_INPUT, "%s", i->s->complaint);
}

int
identity_open(const struct options *o, struct statedir *s, struct identity **ret)
{
	struct identity *i = calloc(1, sizeof *i);
	int status = AGENT_FAULT;

	if (i)
		i->certificates = calloc(ASSAY_CHAIN_MAX + 1 + ASSAY_LAYERS_MAX, CERTIFICATE_MAX);
	if (!i || !i->certificates) {
		(void)report_fatal(0, "%s", assay_err_text(ASSAY_NO_MEMORY));
		identity_close(i);
		return AGENT_FAULT;
	}
	i->o = o;
	i->s = s;
	for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++)
		if (kinds[k].kind == o->identity)
			status = kinds[k].open(i);
	if (status == AGENT_YES && o->identity != IDENTITY_TPM)
		status = count_start(i);
	if (status != AGENT_YES) {
		identity_close(i);
		return status;
	}
	*ret = i;
	return AGENT_YES;
}

void
identity_close(struct identity *i)
{
	if (!i)
		return;
	if (i->token)
		assay_token_close(i->token);
	if (i->key)
		assay_key_wipe(i->key);
	free(i->memory);
	free(i->certificates);
	explicit_bzero(i, sizeof *i);
	free(i);
}

struct assay_backend
identity_backend(struct identity *i)
{
	if (i->tpm)
		return assay_tpm_backend(i->tpm);
	return i->key ? assay_key_backend(i->key) : assay_token_backend(i->token);
}

const char *
identity_name(const struct identity *i)
{
	return i->name;
}

const char *
identity_detail(const struct identity *i)
{
	if (i->tpm)
		return assay_tpm_detail(i->tpm);
	return i->token ? assay_token_detail(i->token) : "";
}

const uint8_t *
identity_start(const struct identity *i, uint64_t *ret_count)
{
	*ret_count = i->start_count;
	return i->start_count ? i->start_id : NULL;
}

bool
identity_lockout(const struct identity *i, uint32_t *ret)
{
	return i && i->tpm && assay_tpm_lockout(i->tpm, ret);
}
