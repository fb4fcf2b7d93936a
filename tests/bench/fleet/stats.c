/* stats.c: see fleet.h. */
#include "fleet.h"

#include <stdio.h>
#include <stdlib.h>

#define SAMPLES_MAX (4u << 20)

static float *samples;
static size_t count;

void
fleet_stats_reset(void)
{
	if (!samples)
		samples = malloc(SAMPLES_MAX * sizeof *samples);
	count = 0;
}

void
fleet_stats_add(double seconds)
{
	if (samples && count < SAMPLES_MAX)
		samples[count++] = (float)seconds;
}

static int
by_value(const void *a, const void *b)
{
	const float *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static double
percentile(double p)
{
	size_t at = (size_t)(p * (double)(count - 1));

	return count ? (double)samples[at] * 1000 : 0;
}

void
fleet_stats_print(double seconds, unsigned devices, unsigned errors)
{
	qsort(samples, count, sizeof *samples, by_value);
	printf("fleet: %u devices, %.0f s: %zu attestations, %.0f/s, %u errors\n", devices, seconds,
	       count, (double)count / seconds, errors);
	printf("fleet: challenge to decision: p50 %.1f ms, p99 %.1f ms, most %.1f ms\n",
	       percentile(0.5), percentile(0.99), percentile(1));
}
