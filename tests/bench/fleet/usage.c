/* usage.c: see fleet.h. CPU time of children that have ended counts as well. */
#include "fleet.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct stat_line {
	long ppid;
	unsigned long own, ended; /* ticks */
	long rss;		  /* pages */
};

static bool
read_stat(long pid, struct stat_line *ret)
{
	char path[64], line[1024], *at;
	unsigned long ut, st;
	long cut, cst;
	FILE *f;
	bool ok;

	snprintf(path, sizeof path, "/proc/%ld/stat", pid);
	f = fopen(path, "r");
	if (!f)
		return false;
	ok = fgets(line, sizeof line, f) != NULL;
	fclose(f);
	at = ok ? strrchr(line, ')') : NULL;
	if (!at || sscanf(at + 2,
			  "%*c %ld %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu %ld %ld %*d %*d "
			  "%*d %*d %*u %*u %ld",
			  &ret->ppid, &ut, &st, &cut, &cst, &ret->rss) != 6)
		return false;
	ret->own = ut + st;
	ret->ended = (unsigned long)(cut + cst);
	return true;
}

static void
add(const struct stat_line *s, bool keeper, struct fleet_usage *ret)
{
	double hz = (double)sysconf(_SC_CLK_TCK);

	ret->cpu_s += (double)s->own / hz;
	if (keeper)
		ret->cpu_s += (double)s->ended / hz;
	ret->rss_kb += (unsigned long)s->rss * (unsigned long)sysconf(_SC_PAGESIZE) / 1024;
	ret->processes++;
}

void
fleet_usage(long pid, struct fleet_usage *ret)
{
	struct stat_line s;
	struct dirent *e;
	DIR *d;

	memset(ret, 0, sizeof *ret);
	if (pid == 0 || !read_stat(pid, &s) || !(d = opendir("/proc")))
		return;
	add(&s, true, ret);
	while ((e = readdir(d)) != NULL) {
		long p = strtol(e->d_name, NULL, 10);

		if (p > 0 && p != pid && read_stat(p, &s) && s.ppid == pid)
			add(&s, false, ret);
	}
	closedir(d);
}
