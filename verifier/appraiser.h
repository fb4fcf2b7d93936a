/*
 * appraiser.h: the jailed process that reads evidence.
 *
 * One request at a time, nothing kept between requests but the read-only maps of
 * policies, references and roots. It answers with the verdict and with what the
 * verdict is about, as keeper named it: keeper believes neither without comparing.
 *
 * MAP            id: first 8 bytes of the content's SHA-256; payload: the content
 * IMA            entries of an IMA list, maybe none; APPRAISE with the same id and
 *                has_ima follows
 * APPRAISE       u8 flags, 32 bytes digest of the evidence, 32 bytes policy digest
 *                (zeros: none), appraisal_input_encode() with policy and references
 *                left out (references by digest)
 * IMA_SPLIT      be32 length of each entry that ima_accepted counts; VERDICT follows
 * VERDICT        32 bytes digest of the evidence, 32 characters device id,
 *                verdict_encode()
 * PREDICTION     as VERDICT, but instead of the verdict prediction_encode(): no decision is
 *                made of it
 * EXPLANATION    as VERDICT, but instead of the verdict told_encode(): for people alone
 * ENROL          32 bytes digest of the evidence, 32 bytes each digest of roots, DICE
 *                roots and token roots (zeros: none), enrol_input_encode() without roots
 * ENROL_VERDICT  32 bytes digest of the frame, enrol_verdict_encode()
 */
#ifndef VERIFIER_APPRAISER_H
#define VERIFIER_APPRAISER_H

#include <stdint.h>

#define APPRAISER_MAPS_MAX 256
/* Only the core checks: is it validly signed at all? Asked when evidence has killed
 * two appraisers. */
#define APPRAISE_CORE_ONLY 1u

/* Stored evidence once more: answered by a PREDICTION. */
#define APPRAISE_REPLAY 2u
/* The same, answered by an EXPLANATION: what every rule says. */
#define APPRAISE_EXPLAIN 4u

int appraiser_main(void);

/* The id under which a map is sent. */
uint64_t appraiser_map_id(const uint8_t digest[32]);

#endif
