/*
 * console.h: the process that talks to operators: HTTP/JSON under /v1, on a Unix
 * socket and, by option, on a TLS port of its own. It carries no device messages and
 * knows no device: every request becomes one operation (operation.h) for keeper.
 */
#ifndef VERIFIER_CONSOLE_H
#define VERIFIER_CONSOLE_H

#include "config.h"

#include "evidence/writer.h"

/* CONFIG's role part; certificate and key (PEM) are empty without a TLS port. */
ASSAY_MUST_USE enum assay_err console_config_encode(const struct config *c, struct span cert,
						    struct span key, struct writer *w);

int console_main(void);

#endif
