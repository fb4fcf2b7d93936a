/* challengefile.c: see challengefile.h. */
#include "challengefile.h"

#include "hex.h"
#include "json.h"

#include <string.h>

#define MAGIC SPAN(CHALLENGEFILE_MAGIC, sizeof CHALLENGEFILE_MAGIC - 1)
#define NODES_MAX 64
#define JWS_LINE_MAX 2048

bool
challenge_file_is(struct span file)
{
	return file.n >= MAGIC.n && span_equal(span_part(file, 0, MAGIC.n), MAGIC);
}

/* ---- writing ---- */

static void
put_hex(struct writer *w, struct span bytes)
{
	char hex[2 * TPM_NAME_MAX + 1] = "";

	if (hex_encode(bytes, hex, sizeof hex) != ASSAY_OK)
		wr_fail(w, ASSAY_TOO_LARGE);
	json_put_string(w, hex);
}

static void
put_selection(struct writer *w, const struct pcr_selection *s)
{
	for (unsigned i = 0; i < s->count; i++) {
		json_put_text(w, i ? ",[" : "[");
		json_put_integer(w, s->bank[i].alg);
		wr_u8(w, ',');
		json_put_integer(w, s->bank[i].mask);
		wr_u8(w, ']');
	}
}

enum assay_err
challenge_payload_write(const struct challenge_file *c, struct writer *w)
{
	size_t n;

	if (c->issued <= 0 || c->expires <= c->issued || c->key_name.len < 4 ||
	    strlen(c->device) != CHALLENGEFILE_DEVICE_HEX)
		return ASSAY_MALFORMED;
	json_put_text(w, "{\"iss\":");
	json_put_string(w, c->issuer);
	json_put_text(w, ",\"iat\":");
	json_put_integer(w, c->issued);
	json_put_text(w, ",\"exp\":");
	json_put_integer(w, c->expires);
	json_put_text(w, ",\"device\":");
	json_put_string(w, c->device);
	if (c->name[0]) {
		json_put_text(w, ",\"name\":");
		json_put_string(w, c->name);
	}
	json_put_text(w, ",\"key\":");
	put_hex(w, SPAN(c->key_name.b, c->key_name.len));
	json_put_text(w, ",\"nonce\":");
	put_hex(w, SPAN(c->nonce, sizeof c->nonce));
	json_put_text(w, ",\"pcrs\":[");
	put_selection(w, &c->asked);
	json_put_text(w, "]}");
	return wr_finish(w, &n);
}

enum assay_err
challenge_file_write(struct span chain, struct span jws, struct writer *w)
{
	size_t n;

	wr_bytes(w, MAGIC);
	wr_bytes(w, chain);
	wr_bytes(w, jws);
	wr_u8(w, '\n');
	return wr_finish(w, &n);
}

/* ---- reading the payload ---- */

/* Members that are known, each counted, so that none is left over. */
struct payload {
	const struct json_node *node;
	uint32_t taken;
	enum assay_err err;
};

static void
fail(struct payload *p, enum assay_err e)
{
	if (p->err == ASSAY_OK)
		p->err = e;
}

static uint32_t
member(struct payload *p, const char *name, bool required)
{
	uint32_t at = p->err == ASSAY_OK ? json_member(p->node, 0, name) : 0;

	if (at != 0)
		p->taken++;
	else if (required)
		fail(p, ASSAY_MISSING);
	return at;
}

static void
get_text(struct payload *p, uint32_t at, char *ret, size_t cap)
{
	enum assay_err e;

	ret[0] = '\0';
	if (at == 0 || p->err != ASSAY_OK)
		return;
	if ((e = json_string_of(p->node, at, ret, cap)) != ASSAY_OK)
		fail(p, e == ASSAY_FULL ? ASSAY_TOO_LARGE : e);
	for (const char *s = ret; *s; s++)
		if (*s < 0x20 || *s > 0x7E)
			fail(p, ASSAY_MALFORMED);
}

static int64_t
get_number(struct payload *p, uint32_t at, int64_t most)
{
	int64_t v = 0;

	if (at == 0 || p->err != ASSAY_OK)
		return 0;
	if (json_integer_of(p->node, at, &v) != ASSAY_OK || v < 0 || v > most)
		fail(p, ASSAY_MALFORMED);
	return p->err == ASSAY_OK ? v : 0;
}

static size_t
get_hex(struct payload *p, uint32_t at, uint8_t *ret, size_t cap)
{
	char text[2 * TPM_NAME_MAX + 1];
	size_t n = 0;

	get_text(p, at, text, sizeof text);
	if (p->err == ASSAY_OK && hex_decode(text, ret, cap, &n) != ASSAY_OK)
		fail(p, ASSAY_MALFORMED);
	return n;
}

static void
get_bank(struct payload *p, uint32_t at, struct pcr_selection *ret)
{
	uint32_t alg = json_first(p->node, at), mask = alg ? json_after(p->node, alg) : 0;
	int64_t a, m;
	enum assay_err e;

	if (p->node[at].type != JSON_ARRAY_T || !mask || json_after(p->node, mask)) {
		fail(p, ASSAY_MALFORMED);
		return;
	}
	a = get_number(p, alg, UINT16_MAX);
	m = get_number(p, mask, UINT32_MAX);
	if (p->err != ASSAY_OK)
		return;
	if ((e = pcr_selection_add(ret, (uint16_t)a, (uint32_t)m)) != ASSAY_OK)
		fail(p, e);
}

static void
get_selection(struct payload *p, uint32_t at, struct pcr_selection *ret)
{
	if (at == 0 || p->err != ASSAY_OK)
		return;
	if (p->node[at].type != JSON_ARRAY_T)
		fail(p, ASSAY_MALFORMED);
	for (uint32_t i = json_first(p->node, at); i != 0 && p->err == ASSAY_OK;
	     i = json_after(p->node, i))
		get_bank(p, i, ret);
}

static void
get_identity(struct payload *p, struct challenge_file *c)
{
	get_text(p, member(p, "device", true), c->device, sizeof c->device);
	if (strlen(c->device) != CHALLENGEFILE_DEVICE_HEX ||
	    strspn(c->device, "0123456789abcdef") != CHALLENGEFILE_DEVICE_HEX)
		fail(p, ASSAY_MALFORMED);
	get_text(p, member(p, "name", false), c->name, sizeof c->name);
	c->key_name.len =
		(uint16_t)get_hex(p, member(p, "key", true), c->key_name.b, sizeof c->key_name.b);
	if (c->key_name.len < 4)
		fail(p, ASSAY_MALFORMED);
}

/* Nothing failed, and there is no member that was not asked for. */
static enum assay_err
finish(struct payload *p)
{
	uint32_t n = 0;

	if (p->err != ASSAY_OK)
		return p->err;
	for (uint32_t i = json_first(p->node, 0); i != 0; i = json_after(p->node, i))
		n++;
	return n == p->taken ? ASSAY_OK : ASSAY_UNSUPPORTED;
}

static enum assay_err
payload_read(struct span json, struct challenge_file *c)
{
	struct json_node node[NODES_MAX];
	struct payload p = {.node = node};
	uint32_t n;

	if ((p.err = json_read(json, node, NODES_MAX, &n)) != ASSAY_OK)
		return p.err;
	if (node[0].type != JSON_OBJECT_T)
		return ASSAY_MALFORMED;
	get_text(&p, member(&p, "iss", true), c->issuer, sizeof c->issuer);
	c->issued = get_number(&p, member(&p, "iat", true), INT64_MAX);
	c->expires = get_number(&p, member(&p, "exp", true), INT64_MAX);
	get_identity(&p, c);
	if (get_hex(&p, member(&p, "nonce", true), c->nonce, sizeof c->nonce) != sizeof c->nonce)
		fail(&p, ASSAY_MALFORMED);
	get_selection(&p, member(&p, "pcrs", true), &c->asked);
	if (p.err == ASSAY_OK && (c->issued == 0 || c->expires <= c->issued))
		fail(&p, ASSAY_MALFORMED);
	return finish(&p);
}

/* ---- reading the file ---- */

/* The KID that the first statement says signed it, which is the key that it names. */
static enum assay_err
first_kid(struct span statement, char ret[JWS_KID_SIZE])
{
	uint8_t buf[KEYSET_STATEMENT_MAX];
	struct jws j;
	enum assay_err e = jws_parse(statement, buf, sizeof buf, &j);

	if (e != ASSAY_OK)
		return e;
	if (strlen(j.kid) >= JWS_KID_SIZE)
		return ASSAY_MALFORMED;
	memcpy(ret, j.kid, strlen(j.kid) + 1);
	return ASSAY_OK;
}

static enum assay_err
verify(const struct keyset *keys, struct span line, struct challenge_file *c)
{
	uint8_t buf[CHALLENGEFILE_PAYLOAD_MAX];
	struct jws j;
	enum assay_err e;

	if ((e = jws_parse(line, buf, sizeof buf, &j)) != ASSAY_OK)
		return e;
	if (strcmp(j.typ, CHALLENGEFILE_TYP) != 0)
		return ASSAY_BAD_TYPE;
	if ((e = payload_read(j.payload, c)) != ASSAY_OK)
		return e;
	if (strcmp(c->issuer, keys->issuer) != 0)
		return ASSAY_MISMATCH;
	return keyset_verify(keys, &j, KEYSET_DECISION, c->issued);
}

/* A line without its LF; a last one without is cut off. */
static enum assay_err
next_line(struct reader *r, struct span *ret)
{
	struct reader all = *r;

	*ret = rd_bytes(r, span_until(rd_rest(&all), '\n').n);
	if (rd_left(r) == 0 || rd_u8(r) != '\n')
		return ASSAY_TRUNCATED;
	return ret->n == 0 ? ASSAY_MALFORMED : ASSAY_OK;
}

static enum assay_err
read_lines(struct reader *r, const char *root, struct challenge_file *c)
{
	struct keyset keys;
	struct span line;
	enum assay_err e;

	memset(&keys, 0, sizeof keys);
	if ((e = next_line(r, &line)) != ASSAY_OK ||
	    (e = first_kid(line, c->root)) != ASSAY_OK)
		return e;
	while (rd_left(r) > 0) {
		if ((e = keyset_add(&keys, line, root ? root : c->root)) != ASSAY_OK ||
		    (e = next_line(r, &line)) != ASSAY_OK)
			return e;
	}
	return keys.n == 0 ? ASSAY_MISSING : verify(&keys, line, c);
}

enum assay_err
challenge_file_parse(struct span file, const char *root, struct challenge_file *ret)
{
	struct challenge_file c;
	struct reader r;
	enum assay_err e;

	if (!challenge_file_is(file))
		return ASSAY_BAD_MAGIC;
	if (file.n > CHALLENGEFILE_MAX)
		return ASSAY_TOO_LARGE;
	memset(&c, 0, sizeof c);
	rd_init(&r, file);
	(void)rd_bytes(&r, MAGIC.n);
	if ((e = read_lines(&r, root, &c)) != ASSAY_OK)
		return e;
	*ret = c;
	return ASSAY_OK;
}
