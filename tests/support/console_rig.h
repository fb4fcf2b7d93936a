/*
 * console_rig.h: a real console process, jailed, with the test in keeper's place.
 *
 * The test drives both sides in one thread: raw bytes or TLS from operators, and
 * keeper's channel. rig_turn() lets keeper's side answer what has come.
 */
#ifndef TESTS_CONSOLE_RIG_H
#define TESTS_CONSOLE_RIG_H

#include "verifier/console.h"
#include "verifier/ipc.h"
#include "verifier/operation.h"

#include <sys/types.h>

struct rig {
	char dir[64], socket[96];
	uint16_t port; /* of the TLS listener */
	pid_t pid;
	struct ipc ipc;
	/* what keeper saw last */
	unsigned operations;
	uint8_t bytes[OPERATION_BYTES_MAX];
	struct operation op; /* spans into bytes */
	uint64_t id;
	/* how keeper answers; the default is OK and {} */
	enum assay_err answer_error;
	uint8_t answer_kind;
	struct span answer;
	bool silent; /* never answers */
};

/* Aborts the test if the console does not come up. */
void rig_start(struct rig *r);
/* Also asserts that the console is still the one that was started. */
void rig_stop(struct rig *r);
bool rig_alive(struct rig *r);
/* Serve keeper's channel for at most ms, returning early once fd is readable (fd -1:
 * once an operation was served). */
void rig_turn(struct rig *r, int fd, int ms);

/* A raw connection to the Unix socket. */
int rig_connect(struct rig *r);
void rig_send(int fd, const char *bytes, size_t n);
/* What the console says: one whole answer, or until it closes, or until ms pass
 * without a byte; text. */
size_t rig_read(struct rig *r, int fd, char *ret, size_t cap, int ms);
/* One request on its own connection; the status of the answer, 0 if it closed
 * without one. The whole answer is in ret. */
unsigned rig_raw(struct rig *r, const char *request, size_t n, char *ret, size_t cap);
/* GET by TLS with these header lines ("Name: value", NULL ends); the status. */
unsigned rig_tls(struct rig *r, const char *path, const char *const *headers);

#endif
