/* health_net.c: listening sockets and their programs, see health.h. Sockets that only
 * this host reaches do not count. */
#include "health.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LISTENERS_MAX 96
#define TABLE_MAX (512u << 10)
#define TCP_LISTEN 0x0A
#define UDP_OPEN 0x07

struct listener {
	char name[80]; /* "tcp 0.0.0.0:22" */
	uint64_t inode;
	char program[MEASURE_VALUE_MAX + 1];
};

struct listeners {
	struct health *h;
	struct listener v[LISTENERS_MAX];
	size_t n;
	bool read; /* a table was there */
};

/* An address as the kernel shows it: groups of 4 bytes, each in the host's order. */
static bool
parse_address(const char *hex, uint8_t ret[16], size_t *ret_len)
{
	size_t n = strspn(hex, "0123456789ABCDEF") / 8;

	if (n != 1 && n != 4)
		return false;
	for (size_t i = 0; i < n; i++) {
		char group[9];
		uint32_t v;

		memcpy(group, hex + 8 * i, 8);
		group[8] = '\0';
		v = (uint32_t)strtoul(group, NULL, 16);
		memcpy(ret + 4 * i, &v, 4);
	}
	*ret_len = 4 * n;
	return true;
}

static bool
is_loopback(const uint8_t a[16], size_t len)
{
	static const uint8_t one[16] = {[15] = 1};
	static const uint8_t mapped[13] = {[10] = 0xFF, [11] = 0xFF, [12] = 127};

	return len == 4 ? a[0] == 127
			: span_equal(SPAN(a, 16), SPAN(one, 16)) ||
				  span_equal(SPAN(a, 13), SPAN(mapped, 13));
}

/* "  0: 00000000:0016 00000000:0000 0A TX:RX TR:WHEN RETR UID TIMEOUT INODE ...". */
static void
add_socket(struct listeners *l, const char *protocol, char *line)
{
	char *fields[10] = {0}, *save = NULL, text[64], *colon;
	struct listener *new = &l->v[l->n];
	uint8_t address[16];
	size_t len, n = 0;
	unsigned long state;

	for (char *f = strtok_r(line, " ", &save); f && n < 10; f = strtok_r(NULL, " ", &save))
		fields[n++] = f;
	if (n < 10 || !(colon = strchr(fields[1], ':')) || l->n == LISTENERS_MAX)
		return;
	state = strtoul(fields[3], NULL, 16);
	if (state != (protocol[0] == 't' ? TCP_LISTEN : UDP_OPEN) ||
	    !parse_address(fields[1], address, &len) || is_loopback(address, len) ||
	    !inet_ntop(len == 4 ? AF_INET : AF_INET6, address, text, sizeof text))
		return;
	snprintf(new->name, sizeof new->name, len == 4 ? "%s %s:%lu" : "%s [%s]:%lu", protocol,
		 text, strtoul(colon + 1, NULL, 16));
	new->inode = strtoull(fields[9], NULL, 10);
	new->program[0] = '\0';
	l->n++;
}

static void
read_table(struct listeners *l, const char *path, const char *protocol)
{
	char *text = malloc(TABLE_MAX), *rest = text, *line;

	if (text && path_text(l->h->m->root, path, text, TABLE_MAX)) {
		l->read = true;
		(void)strsep(&rest, "\n"); /* titles */
		while ((line = strsep(&rest, "\n")) != NULL)
			add_socket(l, protocol, line);
	}
	free(text);
}

static void
name_program(struct listeners *l, int pid_dir, const char *link)
{
	uint64_t inode;
	char exe[512];
	ssize_t n;

	if (strncmp(link, "socket:[", 8) != 0)
		return;
	inode = strtoull(link + 8, NULL, 10);
	for (size_t i = 0; i < l->n; i++) {
		if (l->v[i].inode != inode || l->v[i].program[0])
			continue;
		n = readlinkat(pid_dir, "exe", exe, sizeof exe - 1);
		exe[n > 0 ? n : 0] = '\0';
		snprintf(l->v[i].program, sizeof l->v[i].program, "%.*s", MEASURE_VALUE_MAX, exe);
	}
}

static void
look_at_process(struct listeners *l, int proc, const char *pid)
{
	int dir = openat(proc, pid, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int fds = dir >= 0 ? openat(dir, "fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	DIR *d = fds >= 0 ? fdopendir(fds) : NULL;
	struct dirent *e;

	if (!d && fds >= 0)
		close(fds);
	while (d && (e = readdir(d)) != NULL) {
		char link[64];
		ssize_t n = readlinkat(dirfd(d), e->d_name, link, sizeof link - 1);

		link[n > 0 ? n : 0] = '\0';
		name_program(l, dir, link);
	}
	if (d)
		closedir(d);
	if (dir >= 0)
		close(dir);
}

static void
find_programs(struct listeners *l)
{
	int proc = openat(l->h->m->root, "proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = proc >= 0 ? fdopendir(proc) : NULL;
	struct dirent *e;

	if (!d && proc >= 0)
		close(proc);
	while (d && (e = readdir(d)) != NULL)
		if (e->d_name[0] >= '1' && e->d_name[0] <= '9')
			look_at_process(l, dirfd(d), e->d_name);
	if (d)
		closedir(d);
}

void
health_listeners(struct health *h)
{
	struct listeners *l;

	if (!health_wanted(h, HEALTH_LISTENER_ID) && !health_wanted(h, HEALTH_LISTENERS_ID))
		return;
	l = calloc(1, sizeof *l);
	if (!l)
		return;
	l->h = h;
	read_table(l, "/proc/net/tcp", "tcp");
	read_table(l, "/proc/net/tcp6", "tcp");
	read_table(l, "/proc/net/udp", "udp");
	read_table(l, "/proc/net/udp6", "udp");
	if (l->n > 0)
		find_programs(l);
	for (size_t i = 0; i < l->n; i++)
		health_text(h, HEALTH_LISTENER_ID, l->v[i].name,
			    l->v[i].program[0] ? l->v[i].program : "?");
	if (l->read)
		health_number(h, HEALTH_LISTENERS_ID, "", (int64_t)l->n);
	free(l);
}
