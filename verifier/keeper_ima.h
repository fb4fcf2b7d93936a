/*
 * keeper_ima.h: the stored IMA lists of devices, for who judges or shows them later;
 * keeper_ima.c. Rounds use keeper_private.h.
 */
#ifndef VERIFIER_KEEPER_IMA_H
#define VERIFIER_KEEPER_IMA_H

#include "bulk.h"
#include "keeper.h"

/* The device's list of this boot as far as it was proved, as the kernel wrote it, sealed
 * and mapped. NOT_FOUND, TAMPERED. */
ASSAY_MUST_USE enum assay_err keeper_ima_load(struct keeper *k, const char *device,
					      struct bulk *ret, uint64_t *ret_entries);

/* The bytes of a reference set that appraisers have; empty if they have not. Good until
 * the next keeper_reload(). */
struct span keeper_reference_bytes(struct keeper *k, const uint8_t digest[32]);

#endif
