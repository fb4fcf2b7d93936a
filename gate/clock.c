/* clock.c: see clock.h. */
#include "clock.h"

void
clock_start(struct clock *c, int64_t wall_ms, int64_t boot_ms)
{
	c->offset_ms = wall_ms - boot_ms;
}

int64_t
clock_now(const struct clock *c, int64_t boot_ms)
{
	return (c->offset_ms + boot_ms) / 1000;
}

bool
clock_hear(struct clock *c, int64_t at, int64_t wall_ms, int64_t boot_ms)
{
	int64_t later = wall_ms > at * 1000 ? wall_ms : at * 1000;
	int64_t moved = later - boot_ms - c->offset_ms;

	if (moved > -1000 && moved < 1000)
		return false;
	c->offset_ms += moved;
	return true;
}
