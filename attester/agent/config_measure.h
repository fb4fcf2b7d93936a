/*
 * config_measure.h: the sections `measure:` and `health:` of the agent's file.
 *
 * The flat options beside them are options.c's. Whatever is wrong is said in one line
 * that names file, line and key; nothing is guessed, and unknown keys are errors.
 */
#ifndef AGENT_CONFIG_MEASURE_H
#define AGENT_CONFIG_MEASURE_H

#include "attester/collect/measure.h"

#define CONFIG_FILE_MAX (1u << 20)
#define CONFIG_LIST_MAX 256

struct measure_config {
	struct item *items; /* by name, ascending */
	size_t n;
	uint64_t rate;	     /* bytes per second; 0: no limit */
	unsigned nice;	     /* of the collector */
	unsigned full_every; /* rounds; 0: only on demand */
	unsigned wait_s;     /* that an answer to a challenge waits for, at most */
	char *root;	     /* stands for "/"; NULL: it does */
	bool health;
	texts health_claims; /* NULL: all */
	texts mounts;	     /* NULL: all on devices */
};

/*
 * path NULL or a file without the sections: nothing is measured. False: *ret_status is
 * the exit status, the complaint has been printed. Free in any case.
 */
bool config_measure_read(const char *path, struct measure_config *ret, int *ret_status);
void config_measure_free(struct measure_config *c);
/* Whether there is anything to collect. */
bool config_measure_any(const struct measure_config *c);

#endif
