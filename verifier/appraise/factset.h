/*
 * factset.h: the facts of one appraisal, with their full values.
 *
 * Rules read these; the verdict keeps what people are shown (struct fact). Text is
 * borrowed from evidence or arena. A set that is full drops what follows, and says
 * so: to a rule a dropped fact is missing.
 */
#ifndef APPRAISE_FACTSET_H
#define APPRAISE_FACTSET_H

#include "fact.h"

#define FACTSET_MAX 384

struct fact_value {
	enum fact_id id;
	int32_t index, event, pcr; /* -1: none */
	uint64_t number;	   /* BOOL, NUMBER, TIME */
	struct span text;	   /* TEXT, LIST */
	struct digest digest;	   /* DIGEST; alg ALG_NONE: none */
	struct span instance;	   /* what the "*" of the fact's name stands for */
};

struct fact_set {
	uint16_t count;
	bool overflow;
	struct fact_value v[FACTSET_MAX];
	struct fact_value spill;
};

void factset_init(struct fact_set *s);
/* A new value, to be filled; never NULL. */
struct fact_value *factset_add(struct fact_set *s, enum fact_id id);
void factset_bool(struct fact_set *s, enum fact_id id, bool b);
void factset_number(struct fact_set *s, enum fact_id id, uint64_t n);
/* An empty text is no fact. */
void factset_text(struct fact_set *s, enum fact_id id, const char *text);
void factset_digest(struct fact_set *s, enum fact_id id, int32_t index, const struct digest *d);
/* The value; alg ALG_NONE: of any algorithm. NULL if it is missing. */
const struct fact_value *factset_find(const struct fact_set *s, enum fact_id id, int32_t index,
				      uint16_t alg);

/* The same of a fact with instances. */
const struct fact_value *factset_find_instance(const struct fact_set *s, enum fact_id id,
					       struct span instance, uint16_t alg);

/* The name with its index: "pcr[7]". */
void fact_subject(enum fact_id id, int32_t index, char *ret, size_t cap);
/* The name of this value, with index or instance: "software.firmware.version". */
void fact_value_name(const struct fact_value *f, char *ret, size_t cap);
/* The value as escaped text. */
void fact_value_text(const struct fact_value *f, char *ret, size_t cap);
/* A number with its unit: "5%", "80 C", "10 GiB". */
void fact_number_text(enum fact_id id, uint64_t number, char *ret, size_t cap);
/* "sha256:0123...", "2026-01-31T12:00:00Z" */
void fact_digest_text(const struct digest *d, char *ret, size_t cap);
void fact_time_text(int64_t t, char *ret, size_t cap);

#endif
