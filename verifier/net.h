/*
 * net.h: the process that talks to devices: TLS, WebSocket, framing. Nothing else.
 *
 * net.c is the loop and the connections (libwebsockets); session.c is the table of
 * what may be said when. It makes no nonce, judges nothing and never sees the
 * ledger. Payloads to keeper (id = session):
 *
 *   NET_OPEN        u8 1 and 32 bytes channel binding, or u8 0; be16 peer address
 *   NET_HELLO       be16 key name, u8 count and be16 bank numbers
 *   NET_ENROL       the frame as received
 *   NET_ACTIVATION  the 32 bytes
 *   NET_PROOF       the frame as received
 *   NET_IMA         what came of an IMA list; NET_PARTS follows at once
 *   NET_PARTS       u8 mask of part kinds; be32 claims; be32 boot log. Mask 0: there is
 *                   no room for what was asked for
 *   NET_CLOSED      -
 *
 * and from keeper: NET_SEND (a frame; its type moves the session's state) and
 * NET_CLOSE (after what is queued has been sent).
 */
#ifndef VERIFIER_NET_H
#define VERIFIER_NET_H

#include "config.h"

#include "evidence/envelope.h"
#include "evidence/writer.h"

#define NET_CHANNEL_SIZE 32
#define NET_SESSION_SLOT_BITS 20 /* sessions of one net process at a time */

/* A session id: process index (8 bits), generation (36), slot (20). */
#define NET_SESSION_PROCESS(id) ((unsigned)((id) >> 56))

#define NET_FAILING_MAX 4096 /* sources whose failures are counted; more share a bucket */

struct net_setup {
	unsigned index;
	bool share; /* several processes listen on one port */
	char listen[CONFIG_TEXT_MAX];
	bool channel_binding;
	unsigned connections_max, connections_per_source, half_open_per_source;
	unsigned ima_memory; /* MiB */
	unsigned failures_per_minute; /* relying parties' tokens, of each source */
	struct span certificate, key; /* PEM */
};

/* CONFIG's role part. */
ASSAY_MUST_USE enum assay_err net_setup_encode(const struct net_setup *s, struct writer *w);
ASSAY_MUST_USE enum assay_err net_setup_decode(struct span in, struct net_setup *ret);

int net_main(void);

#endif
