/* console_setup.c: what keeper tells console at its start; see console.h. */
#include "console.h"

#include <string.h>

#define PEM_MAX 65536

enum assay_err
console_config_encode(const struct config *c, struct span certificate, struct span key,
		      struct writer *w)
{
	size_t n;

	wr_be16_bytes(w, SPAN(c->console_socket, strlen(c->console_socket)));
	wr_be16_bytes(w, SPAN(c->console_listen, strlen(c->console_listen)));
	wr_be32(w, c->failures_per_minute);
	wr_be32_bytes(w, certificate);
	wr_be32_bytes(w, key);
	return wr_finish(w, &n);
}

enum assay_err
console_config_decode(struct span in, struct console_setup *ret)
{
	struct console_setup s = {.listen = ""};
	struct span path, address;
	struct reader r;
	enum assay_err e;

	rd_init(&r, in);
	path = rd_be16_bytes(&r, sizeof s.socket - 1);
	address = rd_be16_bytes(&r, sizeof s.listen - 1);
	s.failures_per_minute = rd_be32(&r);
	s.certificate = rd_be32_bytes(&r, PEM_MAX);
	s.key = rd_be32_bytes(&r, PEM_MAX);
	if ((e = rd_finish(&r)) != ASSAY_OK)
		return e;
	if (path.n == 0)
		return ASSAY_MISSING;
	memcpy(s.socket, path.p, path.n);
	if (address.n)
		memcpy(s.listen, address.p, address.n);
	*ret = s;
	return ASSAY_OK;
}
