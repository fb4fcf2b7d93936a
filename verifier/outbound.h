/*
 * outbound.h: what leaves by itself: one process for each webhook, for syslog and for the
 * journal.
 *
 * Such a process is given whole messages, signed where they are to be, and tells of each
 * whether it arrived; it decides nothing, keeps nothing and knows no secret and nothing of
 * the ledger. Keeper starts one when there is something to send (keeper_outbound.c) and it
 * ends with the first message that does not arrive, so that names are resolved anew: the
 * jail has neither files nor a resolver. Every process has one destination, so that none
 * waits for another's.
 *
 *   outbound.c        start, jail, messages of keeper
 *   outbound_setup.c  CONFIG and messages as bytes
 *   outbound_http.c   a webhook: libwebsockets on a libuv loop
 *   outbound_log.c    syslog over datagrams or TCP, and the journal
 */
#ifndef VERIFIER_OUTBOUND_H
#define VERIFIER_OUTBOUND_H

#include "config.h"
#include "ipc.h"

#include "evidence/writer.h"

#define OUTBOUND_WINDOW 8	 /* messages that a process is given ahead */
#define OUTBOUND_BODY_MAX 24576
#define OUTBOUND_HEAD_MAX 512	 /* of a header's value */
#define OUTBOUND_ERROR_MAX 120
#define OUTBOUND_RETRY_AFTER_MAX 3600 /* s; a receiver cannot ask for longer */
#define OUTBOUND_CONNECT_MS 10000     /* of syslog over TCP, before the jail */
#define OUTBOUND_SEND_MS 2000	      /* a log that takes nothing for so long has failed */

enum outbound_kind {
	OUTBOUND_NONE = 0,
	OUTBOUND_HTTP,
	OUTBOUND_UNIX,	/* datagrams: /dev/log, the journal */
	OUTBOUND_UDP,
	OUTBOUND_TCP,	/* octet counting (RFC 6587, 3.4.1) */
	OUTBOUND_KINDS
};

struct outbound_setup {
	enum outbound_kind kind;
	bool tls;
	char host[CONFIG_TEXT_MAX]; /* or the path of the Unix socket */
	uint16_t port;
	char path[CONFIG_TEXT_MAX];
	char ca[CONFIG_PATH_MAX]; /* PEM; "": the pin, or the system's */
	bool has_pin;
	uint8_t pin[32];
	uint32_t timeout_ms;
};
ASSAY_MUST_USE enum assay_err outbound_setup_encode(const struct outbound_setup *s,
						    struct writer *w);
ASSAY_MUST_USE enum assay_err outbound_setup_decode(struct span in, struct outbound_setup *ret);

/* One message. Texts of headers are printable ASCII. */
struct outbound_message {
	struct span signature, event, hook; /* values of headers; empty but for webhooks */
	uint32_t attempt;
	struct span body;
};
ASSAY_MUST_USE enum assay_err outbound_message_encode(const struct outbound_message *m,
						      struct writer *w);
ASSAY_MUST_USE enum assay_err outbound_message_decode(struct span in,
						      struct outbound_message *ret);

/* What became of it: the answers come in the order of the messages. */
struct outbound_result {
	bool delivered;
	uint16_t status;      /* of HTTP; 0: there was no answer */
	uint32_t retry_after; /* s; 0: not said */
	char error[OUTBOUND_ERROR_MAX + 1]; /* printable; "" if delivered */
};
ASSAY_MUST_USE enum assay_err outbound_result_encode(const struct outbound_result *r,
						     struct writer *w);
/* MALFORMED: not of that form, or a delivery with an error, or a refusal with a status of
 * success. Numbers over their limits are cut to them. */
ASSAY_MUST_USE enum assay_err outbound_result_decode(struct span in, struct outbound_result *ret);
/* The value of Retry-After: seconds from now, 0 if it cannot be read. now: s. */
uint32_t outbound_retry_after(const char *value, int64_t now);

/* ---- inside of the process ---- */

struct child_start;
/* Set up, jail with child_ready(), serve until the end. An exit status. */
int outbound_http(struct child_start *start, const struct outbound_setup *s);
int outbound_log(struct child_start *start, const struct outbound_setup *s);
/* `assay-verifier --role=outbound` */
int outbound_main(void);

#endif
