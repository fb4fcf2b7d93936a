/* net_setup.c: what keeper tells a net process at its start; see net.h. */
#include "net.h"

#include <string.h>

enum assay_err
net_setup_encode(const struct net_setup *s, struct writer *w)
{
	size_t n;

	wr_u8(w, (uint8_t)s->index);
	wr_u8(w, s->share);
	wr_be16_bytes(w, SPAN(s->listen, strlen(s->listen)));
	wr_u8(w, s->channel_binding);
	wr_be32(w, s->connections_max);
	wr_be32(w, s->connections_per_source);
	wr_be32(w, s->half_open_per_source);
	wr_be32(w, s->ima_memory);
	wr_be32(w, s->failures_per_minute);
	wr_be32_bytes(w, s->certificate);
	wr_be32_bytes(w, s->key);
	return wr_finish(w, &n);
}

enum assay_err
net_setup_decode(struct span in, struct net_setup *ret)
{
	struct net_setup s = {0};
	struct span listen;
	struct reader r;
	enum assay_err e;

	rd_init(&r, in);
	s.index = rd_u8(&r);
	s.share = rd_u8(&r) != 0;
	listen = rd_be16_bytes(&r, sizeof s.listen - 1);
	s.channel_binding = rd_u8(&r) != 0;
	s.connections_max = rd_be32(&r);
	s.connections_per_source = rd_be32(&r);
	s.half_open_per_source = rd_be32(&r);
	s.ima_memory = rd_be32(&r);
	s.failures_per_minute = rd_be32(&r);
	s.certificate = rd_be32_bytes(&r, 65536);
	s.key = rd_be32_bytes(&r, 65536);
	if ((e = rd_finish(&r)) != ASSAY_OK)
		return e;
	if (listen.n)
		memcpy(s.listen, listen.p, listen.n);
	*ret = s;
	return ASSAY_OK;
}
