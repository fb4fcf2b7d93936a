/*
 * assay/address.h: the address that a device attests from; goes with assay/attester.h.
 *
 * Optional: without it, relying parties know the device by what operators registered.
 */
#ifndef ASSAY_ADDRESS_H
#define ASSAY_ADDRESS_H

#include <assay/attester.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * This end of the connection: an IPv4 or IPv6 address (len 4 or 16) in network order, and
 * the MAC address of its interface (6 bytes; NULL: it has none). To be told after
 * connected(); each round's claims name it until the next connected(). A verifier that is
 * configured for it (`addresses: attested`) tells gates and the like to apply its decisions
 * to this address, if it is also the one that it sees. MALFORMED: another len.
 */
ASSAY_PUBLIC ASSAY_MUST_USE enum assay_err
assay_attester_address(struct assay_attester *a, const uint8_t *address, size_t len,
		       const uint8_t *mac);

#ifdef __cplusplus
}
#endif
#endif
