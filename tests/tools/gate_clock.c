/*
 * gate_clock.c: assay-gate run --config FILE, with a wall clock that a test can set: it is
 * wrong by the seconds that stand in the file that WALL_CLOCK names.
 */
#include "gate/config.h"
#include "gate/gate.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static long
wrong_by(void)
{
	const char *path = getenv("WALL_CLOCK");
	char text[32] = "";
	int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;

	if (fd < 0)
		return 0;
	if (read(fd, text, sizeof text - 1) < 0)
		text[0] = '\0';
	close(fd);
	return strtol(text, NULL, 10);
}

/* In place of the C library's, for all that is linked. */
int
clock_gettime(clockid_t which, struct timespec *t)
{
	long r = syscall(SYS_clock_gettime, which, t);

	if (r == 0 && which == CLOCK_REALTIME)
		t->tv_sec += wrong_by();
	return (int)r;
}

time_t
time(time_t *ret)
{
	struct timespec t = {0};

	(void)clock_gettime(CLOCK_REALTIME, &t);
	if (ret)
		*ret = t.tv_sec;
	return t.tv_sec;
}

int
main(int argc, char **argv)
{
	static struct gate_config config;
	char why[600];

	if (argc != 4 || !gate_config_load(argv[3], &config, why, sizeof why))
		return GATE_USAGE;
	return gate_run(&config, false);
}
