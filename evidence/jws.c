/* jws.c: see jws.h. */
#include "jws.h"

#include "base64.h"
#include "json.h"

#include <string.h>

#define HEADER_MAX 16384
#define HEADER_NODES 64

/* The header's text member, "" if there is none. */
static enum assay_err
header_text(const struct json_node *node, const char *name, char *ret, size_t cap)
{
	uint32_t at = json_member(node, 0, name);
	enum assay_err e;

	ret[0] = '\0';
	if (at == 0)
		return ASSAY_OK;
	e = json_string_of(node, at, ret, cap);
	return e == ASSAY_FULL ? ASSAY_TOO_LARGE : e;
}

/* RFC 7515, 4.1: alg is ours to choose; what must be understood is not there. */
static enum assay_err
read_header(struct span json, struct jws *j)
{
	struct json_node node[HEADER_NODES];
	char alg[16];
	uint32_t n;
	enum assay_err e;

	if ((e = json_read(json, node, HEADER_NODES, &n)) != ASSAY_OK)
		return e;
	if (node[0].type != JSON_OBJECT_T)
		return ASSAY_MALFORMED;
	if ((e = header_text(node, "alg", alg, sizeof alg)) != ASSAY_OK)
		return e == ASSAY_TOO_LARGE ? ASSAY_UNSUPPORTED : e;
	if (strcmp(alg, "ES256") != 0 || json_member(node, 0, "crit") != 0 ||
	    json_member(node, 0, "b64") != 0)
		return ASSAY_UNSUPPORTED;
	if ((e = header_text(node, "kid", j->kid, sizeof j->kid)) != ASSAY_OK)
		return e;
	return header_text(node, "typ", j->typ, sizeof j->typ);
}

/* The three parts, and the first two with their dot: what was signed. */
static enum assay_err
split(struct span text, struct span part[3], struct span *ret_input)
{
	struct reader r, input;

	rd_init(&r, text);
	input = r;
	part[0] = rd_bytes(&r, span_until(text, '.').n);
	if (rd_u8(&r) != '.')
		return ASSAY_MALFORMED;
	part[1] = rd_rest(&r);
	rd_init(&r, part[1]);
	part[1] = rd_bytes(&r, span_until(part[1], '.').n);
	if (rd_u8(&r) != '.')
		return ASSAY_MALFORMED;
	part[2] = rd_rest(&r);
	if (part[0].n == 0 || part[1].n == 0 || r.err != ASSAY_OK)
		return ASSAY_MALFORMED;
	*ret_input = rd_bytes(&input, part[0].n + 1 + part[1].n);
	return ASSAY_OK;
}

enum assay_err
jws_parse(struct span text, uint8_t *buf, size_t cap, struct jws *ret)
{
	struct jws j = {.kid = "", .typ = ""};
	uint8_t head[HEADER_MAX];
	struct span part[3];
	enum assay_err e;
	size_t n;

	if (text.n > JWS_MAX)
		return ASSAY_TOO_LARGE;
	if ((e = split(text, part, &j.signing_input)) != ASSAY_OK)
		return e;
	e = base64url_decode(part[0], head, sizeof head, &n);
	if (e != ASSAY_OK)
		return e == ASSAY_FULL ? ASSAY_TOO_LARGE : e;
	if ((e = read_header(SPAN(head, n), &j)) != ASSAY_OK)
		return e;
	e = base64url_decode(part[2], j.signature, sizeof j.signature, &n);
	if (e != ASSAY_OK || n != sizeof j.signature)
		return e == ASSAY_MALFORMED ? e : ASSAY_BAD_SIGNATURE;
	e = base64url_decode(part[1], buf, cap, &n);
	if (e != ASSAY_OK)
		return e == ASSAY_FULL ? ASSAY_TOO_LARGE : e;
	j.payload = SPAN(buf, n);
	*ret = j;
	return ASSAY_OK;
}

enum assay_err
jws_verify(const struct jws *j, const struct es256_key *k)
{
	struct key key = {.type = KEY_ECC, .bits = 256, .curve = CURVE_P256, .xy_len = 32};
	struct signature sig = {
		.scheme = SIG_ECDSA,
		.hash = ALG_SHA256,
		.r = SPAN(j->signature, 32),
		.s = SPAN(j->signature + 32, 32),
	};

	memcpy(key.x, k->x, 32);
	memcpy(key.y, k->y, 32);
	return key_verify_message(&key, &sig, j->signing_input);
}

/* RFC 7638, 3.2: members in the order of their names, nothing else. */
enum assay_err
jws_kid(const struct es256_key *k, char ret[JWS_KID_SIZE])
{
	uint8_t text[160];
	struct writer w;
	struct digest d;
	enum assay_err e;

	wr_init(&w, text, sizeof text);
	json_put_text(&w, "{\"crv\":\"P-256\",\"kty\":\"EC\",\"x\":\"");
	base64url_put(&w, SPAN(k->x, 32));
	json_put_text(&w, "\",\"y\":\"");
	base64url_put(&w, SPAN(k->y, 32));
	json_put_text(&w, "\"}");
	if ((e = digest_compute(ALG_SHA256, wr_span(&w), &d)) != ASSAY_OK)
		return e;
	wr_init(&w, ret, JWS_KID_SIZE - 1);
	base64url_put(&w, SPAN(d.b, 32));
	ret[w.len] = '\0';
	return ASSAY_OK;
}

void
jws_begin(struct writer *w, const char *typ, const char *kid, struct span payload)
{
	uint8_t head[JWS_TYP_MAX + JWS_KID_MAX + 64];
	struct writer h;

	wr_init(&h, head, sizeof head);
	json_put_text(&h, "{\"alg\":\"ES256\",\"kid\":");
	json_put_string(&h, kid);
	json_put_text(&h, ",\"typ\":");
	json_put_string(&h, typ);
	json_put_text(&h, "}");
	if (h.err != ASSAY_OK)
		wr_fail(w, h.err);
	base64url_put(w, wr_span(&h));
	wr_u8(w, '.');
	base64url_put(w, payload);
}

void
jws_finish(struct writer *w, const uint8_t signature[JWS_SIGNATURE_SIZE])
{
	wr_u8(w, '.');
	base64url_put(w, SPAN(signature, JWS_SIGNATURE_SIZE));
}
