/*
 * ipc.h: messages between keeper and its children.
 *
 * A SOCK_SEQPACKET pair per child, descriptor 3 in the child. A message is a fixed
 * header and a payload: inline up to IPC_INLINE_MAX, else in a sealed memory
 * descriptor that travels with it. Types are in one X-list with direction and cap;
 * a type that is not in the list, from the wrong side, over its cap or without its
 * descriptor is an error, and keeper kills the child that sent it. No message is
 * parsed here beyond its header.
 */
#ifndef VERIFIER_IPC_H
#define VERIFIER_IPC_H

#include "evidence/reader.h"

#define IPC_CHILD_FD 3
#define IPC_INLINE_MAX (48u << 10)
#define IPC_BULK_MAX (16u << 20)
#define IPC_MAP_MAX (128u << 20)
#define IPC_QUEUE_MAX 16384 /* messages that may wait for a slow child */

enum role {
	ROLE_KEEPER = 0, /* the parent */
	ROLE_NET,
	ROLE_CONSOLE,
	ROLE_APPRAISER,
	ROLE_COMPILER,
	ROLE_OUTBOUND,
	ROLE_KINDS
};
const char *role_name(enum role r);

/*
 * X(TYPE, sender, receiver, payload cap)
 * id in the header: session (net), operation (console), request (appraiser, compiler),
 * number of what is to be sent (outbound).
 */
#define IPC_MESSAGES(X)                                                                        \
	X(CONFIG, KEEPER, ANY, IPC_BULK_MAX)     /* first; role's own layout */                \
	X(READY, ANY, KEEPER, 64)                /* set up and jailed; net: be16 port */       \
	X(STOP, KEEPER, ANY, 0)                  /* finish and exit */                         \
	X(NET_OPEN, NET, KEEPER, 256)            /* a connection: session.h */                 \
	X(NET_HELLO, NET, KEEPER, 256)                                                         \
	X(NET_ENROL, NET, KEEPER, 65536)         /* the frame, unread */                       \
	X(NET_ACTIVATION, NET, KEEPER, 32)                                                     \
	X(NET_PROOF, NET, KEEPER, 16384)         /* the frame, unread */                       \
	X(NET_PARTS, NET, KEEPER, 2097152)       /* be32 claims, be32 boot log */              \
	X(NET_IMA, NET, KEEPER, 67108864)        /* before NET_PARTS: entries of an IMA list */ \
	X(NET_CLOSED, NET, KEEPER, 0)                                                          \
	X(NET_SEND, KEEPER, NET, 65536)          /* a frame for the device */                  \
	X(NET_CLOSE, KEEPER, NET, 0)                                                           \
	X(MAP, KEEPER, APPRAISER, IPC_MAP_MAX)   /* policy, reference or roots, by digest */   \
	X(APPRAISE, KEEPER, APPRAISER, 8388608)  /* appraiser.h */                             \
	X(IMA, KEEPER, APPRAISER, 67108864)      /* before APPRAISE: entries of an IMA list */ \
	X(ENROL, KEEPER, APPRAISER, 131072)                                                    \
	X(IMA_SPLIT, APPRAISER, KEEPER, 4194304) /* before VERDICT: be32 lengths of entries */ \
	X(VERDICT, APPRAISER, KEEPER, 262144)                                                  \
	X(ENROL_VERDICT, APPRAISER, KEEPER, 16384)                                             \
	X(COMPILE, KEEPER, COMPILER, IPC_BULK_MAX) /* compiler.h */                            \
	X(COMPILE_BULK, KEEPER, COMPILER, IPC_MAP_MAX) /* the input alone; id: kind */         \
	X(COMPILED, COMPILER, KEEPER, IPC_BULK_MAX)                                            \
	X(OPERATION, CONSOLE, KEEPER, 2097152)   /* operation.h */                             \
	X(REPLY, KEEPER, CONSOLE, IPC_BULK_MAX)                                                \
	X(FEED_OPEN, ANY, KEEPER, 4096)          /* net_feed.h: net and console */             \
	X(FEED_PULL, ANY, KEEPER, 0)                                                           \
	X(FEED_CLOSED, ANY, KEEPER, 0)                                                         \
	X(FEED, KEEPER, ANY, 1048576)                                                          \
	X(FEED_END, KEEPER, ANY, 64)                                                           \
	X(KEYS, KEEPER, ANY, 131072)                                                   \
	X(PREDICTION, APPRAISER, KEEPER, 512)    /* appraiser.h */                             \
	X(EXPLANATION, APPRAISER, KEEPER, 262144)                                              \
	X(OUTBOUND_SEND, KEEPER, OUTBOUND, 32768) /* outbound.h */                             \
	X(OUTBOUND_RESULT, OUTBOUND, KEEPER, 512)                                            \
	X(LIMITED, ANY, KEEPER, 4)               /* net and console: be32 requests refused */

enum ipc_type {
	IPC_NONE = 0,
#define X(type, from, to, cap) IPC_##type,
	IPC_MESSAGES(X)
#undef X
	IPC_TYPE_COUNT
};
const char *ipc_type_name(enum ipc_type t);

struct ipc_msg {
	enum ipc_type type;
	uint64_t id;
	struct span payload; /* valid until ipc_release() */
	int fd; /* of NET_IMA: the sealed descriptor, see ipc_keep_fd(); 0: inline */
	/* ipc.c's */
	void *map;
	size_t map_len;
};

struct ipc_out; /* a message waiting to be sent */

struct ipc {
	int fd; /* -1: closed */
	enum role self, peer;
	struct ipc_out *head, *tail;
	size_t waiting;
	uint8_t *buf; /* IPC_INLINE_MAX + header, for receiving */
};

/* Take over fd (made non-blocking unless blocking). NO_MEMORY. */
ASSAY_MUST_USE enum assay_err ipc_init(struct ipc *c, int fd, enum role self, enum role peer);
void ipc_close(struct ipc *c);
/*
 * Send, or queue when the child's socket is full. FULL: the queue is full (the
 * child is to be killed); IO: the child is gone; TOO_LARGE: our own bug.
 */
ASSAY_MUST_USE enum assay_err ipc_send(struct ipc *c, enum ipc_type t, uint64_t id,
				       struct span payload);
/* As ipc_send, but the payload is this sealed descriptor of len bytes; the
 * descriptor is duplicated and stays the caller's. */
ASSAY_MUST_USE enum assay_err ipc_send_fd(struct ipc *c, enum ipc_type t, uint64_t id,
					  int fd);
/* Something waits to be sent: poll for POLLOUT and call ipc_flush(). */
bool ipc_wants_write(const struct ipc *c);
ASSAY_MUST_USE enum assay_err ipc_flush(struct ipc *c);
/*
 * Next message. BUSY: nothing there (non-blocking). UNREACHABLE: the other side
 * closed. Anything else: the other side broke the rules. After OK call
 * ipc_release() before the next ipc_recv() on any channel of this process whose
 * payload is still needed... one message at a time per channel.
 */
ASSAY_MUST_USE enum assay_err ipc_recv(struct ipc *c, struct ipc_msg *ret);
void ipc_release(struct ipc_msg *m);
/* A descriptor for what the message's is for, the caller's own; -1 on failure. */
int ipc_keep_fd(const struct ipc_msg *m);

/* A memory descriptor to be written and then sealed; -1 on failure. */
int ipc_memory(void);
ASSAY_MUST_USE enum assay_err ipc_seal_memory(int fd);
/* A sealed memory descriptor that holds these bytes; -1 on failure. */
int ipc_seal(struct span bytes);
/* Map a sealed descriptor read-only (MAP_PRIVATE); refuses unsealed ones and sizes
 * over max. Unmap with munmap(p, n). */
ASSAY_MUST_USE enum assay_err ipc_map(int fd, size_t max, struct span *ret);

#endif
