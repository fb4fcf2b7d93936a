/*
 * frames.h: a full valid message of every type, and "decode, then encode again",
 * for the tests and the fuzzer of evidence/envelope.h.
 */
#ifndef TESTS_SUPPORT_FRAMES_H
#define TESTS_SUPPORT_FRAMES_H

#include "evidence/envelope.h"

/* Claims are no frame; here they are one more type. */
#define FRAMES_CLAIMS 255

/* All types, MSG_HELLO first and FRAMES_CLAIMS last. */
#define FRAMES_TYPES 13
extern const unsigned frames_types[FRAMES_TYPES];
const char *frames_name(unsigned type);

/* A message with every field set; static memory, good until the next call. */
struct span frames_sample(unsigned type);
/* The largest claims there can be: 4,096 items whose fields cost the most memory
 * per byte on the wire. Static memory. */
struct span frames_large_claims(void);
/* Decode and encode again into out. The decoder's error, or the encoder's. */
enum assay_err frames_round_trip(unsigned type, struct span in, struct arena *a,
				 struct span *ret_again);
/* Memory for any message; static, reset by the call. */
struct arena *frames_arena(void);

#endif
