/*
 * packets.c: real packets for tests of gates, without anything that may not be installed.
 *
 *   packets echo ADDRESS PORT                    UDP: sends back what comes, until killed
 *   packets stream ADDRESS PORT COUNT MS [FROM]  UDP: one every MS; prints how many of them
 *                                                were not answered within a second
 *   packets ask ADDRESS PORT [FROM]              one of them; 0 answered, 1 not
 *   packets raw INTERFACE HEX                    one Ethernet frame, as it is
 *   packets hear INTERFACE HEX SECONDS           0: a frame with these bytes came in
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define FRAME_MAX 1514
#define STREAM_MAX 10000
#define ANSWER_MS 1000

struct place {
	struct sockaddr_storage a;
	socklen_t n;
};

static int
fail(const char *what)
{
	fprintf(stderr, "packets: %s: %s\n", what, strerror(errno));
	return 2;
}

static int64_t
now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static bool
place_of(const char *address, const char *port, struct place *ret)
{
	struct sockaddr_in v4 = {.sin_family = AF_INET};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
	uint16_t p = htons((uint16_t)strtoul(port, NULL, 10));

	memset(ret, 0, sizeof *ret);
	if (inet_pton(AF_INET, address, &v4.sin_addr) == 1) {
		v4.sin_port = p;
		memcpy(&ret->a, &v4, ret->n = sizeof v4);
		return true;
	}
	v6.sin6_port = p;
	memcpy(&ret->a, &v6, ret->n = sizeof v6);
	return inet_pton(AF_INET6, address, &v6.sin6_addr) == 1 &&
	       memcpy(&ret->a, &v6, sizeof v6) != NULL;
}

static int
do_echo(char **argv)
{
	struct place at, from;
	char buf[FRAME_MAX];
	int fd;

	if (!place_of(argv[0], argv[1], &at))
		return fail(argv[0]);
	fd = socket(at.a.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || bind(fd, (struct sockaddr *)&at.a, at.n) != 0)
		return fail("bind");
	for (;;) {
		ssize_t n;

		from.n = sizeof from.a;
		n = recvfrom(fd, buf, sizeof buf, 0, (struct sockaddr *)&from.a, &from.n);
		if (n > 0)
			(void)sendto(fd, buf, (size_t)n, 0, (struct sockaddr *)&from.a, from.n);
	}
}

/* A socket that talks to the place, from this address if one is given. */
static int
connected(const char *address, const char *port, const char *from)
{
	struct place to, own;
	int fd;

	if (!place_of(address, port, &to))
		return -1;
	fd = socket(to.a.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	if ((from && (!place_of(from, "0", &own) ||
		      bind(fd, (struct sockaddr *)&own.a, own.n) != 0)) ||
	    connect(fd, (struct sockaddr *)&to.a, to.n) != 0) {
		close(fd);
		return -1;
	}
	return fd;
}

/* Until a moment, or all came: marks what is answered. */
static unsigned
collect(int fd, bool *seen, unsigned count, int64_t until)
{
	unsigned n = 0;

	do {
		struct pollfd p = {.fd = fd, .events = POLLIN};
		int64_t left = until - now_ms();
		uint32_t number;

		if (poll(&p, 1, left > 0 ? (int)left : 0) <= 0)
			continue;
		if (recv(fd, &number, sizeof number, MSG_DONTWAIT) == (ssize_t)sizeof number &&
		    number < count && !seen[number]) {
			seen[number] = true;
			n++;
		}
	} while (now_ms() < until);
	return n;
}

static int
do_stream(int argc, char **argv, unsigned count, unsigned gap)
{
	static bool seen[STREAM_MAX];
	unsigned answered = 0;
	int fd = connected(argv[0], argv[1], argc > 4 ? argv[4] : NULL);
	int64_t start = now_ms();

	if (fd < 0 || count == 0 || count > STREAM_MAX)
		return fail("stream");
	for (uint32_t i = 0; i < count; i++) {
		(void)send(fd, &i, sizeof i, 0); /* one that is refused is one that is lost */
		answered += collect(fd, seen, count, start + (int64_t)(i + 1) * gap);
	}
	answered += collect(fd, seen, count, now_ms() + ANSWER_MS);
	printf("%u\n", count - answered);
	close(fd);
	return 0;
}

static int
do_ask(int argc, char **argv)
{
	int fd = connected(argv[0], argv[1], argc > 2 ? argv[2] : NULL);
	struct pollfd p = {.fd = fd, .events = POLLIN};
	char buf[4] = "ask";
	bool answered;

	if (fd < 0)
		return fail("ask");
	answered = send(fd, buf, sizeof buf, 0) == (ssize_t)sizeof buf &&
		   poll(&p, 1, ANSWER_MS) == 1 && recv(fd, buf, sizeof buf, 0) > 0;
	close(fd);
	return answered ? 0 : 1;
}

/* Blanks and colons between digits are for people. */
static size_t
bytes_of(const char *hex, uint8_t *ret, size_t cap)
{
	size_t n = 0;
	unsigned b;

	while (*hex && n < cap) {
		if (*hex == ' ' || *hex == ':') {
			hex++;
		} else if (sscanf(hex, "%2x", &b) == 1 && hex[1]) {
			ret[n++] = (uint8_t)b;
			hex += 2;
		} else {
			return 0;
		}
	}
	return n;
}

static int
on_interface(const char *name, int *ret)
{
	struct sockaddr_ll a = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL)};

	a.sll_ifindex = (int)if_nametoindex(name);
	*ret = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(ETH_P_ALL));
	if (*ret < 0 || a.sll_ifindex == 0 || bind(*ret, (struct sockaddr *)&a, sizeof a) != 0)
		return fail(name);
	return 0;
}

static int
do_raw(char **argv)
{
	uint8_t frame[FRAME_MAX];
	size_t n = bytes_of(argv[1], frame, sizeof frame);
	int fd = -1, status = n < ETH_HLEN ? fail("no frame") : on_interface(argv[0], &fd);

	if (status == 0 && send(fd, frame, n, 0) != (ssize_t)n)
		status = fail("send");
	if (fd >= 0)
		close(fd);
	return status;
}

static int
do_hear(char **argv)
{
	uint8_t want[FRAME_MAX], frame[65536];
	size_t n = bytes_of(argv[1], want, sizeof want);
	int64_t end = now_ms() + 1000 * atol(argv[2]);
	int fd = -1, status = n == 0 ? fail("no bytes") : on_interface(argv[0], &fd);

	if (status != 0)
		return status;
	for (status = 1; status == 1 && now_ms() < end;) {
		struct pollfd p = {.fd = fd, .events = POLLIN};
		struct sockaddr_ll from = {0};
		socklen_t len = sizeof from;
		ssize_t got;

		if (poll(&p, 1, 100) <= 0)
			continue;
		got = recvfrom(fd, frame, sizeof frame, MSG_DONTWAIT, (struct sockaddr *)&from,
			       &len);
		if (got > 0 && from.sll_pkttype != PACKET_OUTGOING &&
		    memmem(frame, (size_t)got, want, n))
			status = 0;
	}
	close(fd);
	return status;
}

int
main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	if (strcmp(what, "echo") == 0 && argc == 4)
		return do_echo(argv + 2);
	if (strcmp(what, "stream") == 0 && (argc == 6 || argc == 7))
		return do_stream(argc - 2, argv + 2, (unsigned)strtoul(argv[4], NULL, 10),
				 (unsigned)strtoul(argv[5], NULL, 10));
	if (strcmp(what, "ask") == 0 && (argc == 4 || argc == 5))
		return do_ask(argc - 2, argv + 2);
	if (strcmp(what, "raw") == 0 && argc == 4)
		return do_raw(argv + 2);
	if (strcmp(what, "hear") == 0 && argc == 5)
		return do_hear(argv + 2);
	fputs("usage: packets echo|stream|ask|raw|hear ARGUMENT...\n", stderr);
	return 64;
}
