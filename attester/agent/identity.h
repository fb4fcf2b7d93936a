/*
 * identity.h: the key that the agent attests with: in a TPM, left by a DICE boot stage, in
 * a PKCS #11 token, or in a file; as the options say.
 */
#ifndef AGENT_IDENTITY_H
#define AGENT_IDENTITY_H

#include "options.h"
#include "statedir.h"

struct identity;

/* The file in the state directory that this kind of key is kept in; NULL: none. */
const char *identity_key_file(const struct options *o);
/*
 * Opens the key, makes one if there is none and it may be made, and counts this start of
 * the agent where the key needs it. An exit status; what is wrong has been said.
 */
int identity_open(const struct options *o, struct statedir *s, struct identity **ret);
void identity_close(struct identity *i);

struct assay_backend identity_backend(struct identity *i);
/* By which the verifier knows the device, in hex. */
const char *identity_name(const struct identity *i);
/* One line about the last error, or "". */
const char *identity_detail(const struct identity *i);
/* Failed authorisations that a TPM has counted; false: unknown, or there is no TPM. */
bool identity_lockout(const struct identity *i, uint32_t *ret);
/* 16 bytes, and how often the agent was started; NULL and 0 with a TPM. */
const uint8_t *identity_start(const struct identity *i, uint64_t *ret_count);

#endif
