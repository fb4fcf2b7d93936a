/*
 * local.h: this end of a connection, as the kernel knows it: what the claims name.
 */
#ifndef AGENT_LOCAL_H
#define AGENT_LOCAL_H

#include <assay/address.h>

/* Tells the attester the address of this socket and the MAC address of the interface that
 * has it. What cannot be found is not told. */
void local_tell(struct assay_attester *a, int socket);

#endif
