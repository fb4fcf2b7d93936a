/*
 * tpm_proxy.c: stands between a program and a swtpm and makes trouble.
 *
 *   tpm_proxy LISTEN TARGET RULE...
 *
 * LISTEN and TARGET are Unix sockets (TARGET.ctrl is swtpm's control channel). A
 * RULE is CC:ACTION, CC a command code in hexadecimal, and serves once, in the order
 * given; commands that match none are passed on. Actions:
 *   RC      answer with this TPM_RC (hexadecimal), do not pass on
 *   drop    close the connection without an answer
 *   extend  extend PCR 23 of the SHA-256 bank first, then pass on
 *   reset   reset and start the TPM first, then pass on
 * One connection at a time, until it is ended by a signal.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define MESSAGE_MAX 8192
#define HEADER 10

static const char *target;
static char **rules;

static int
unix_socket(const char *path, bool listening)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), r;

	snprintf(a.sun_path, sizeof a.sun_path, "%s", path);
	if (listening)
		(void)unlink(path);
	r = listening ? bind(fd, (struct sockaddr *)&a, sizeof a)
		      : connect(fd, (struct sockaddr *)&a, sizeof a);
	if (r != 0 || (listening && listen(fd, 4) != 0)) {
		perror(path);
		exit(3);
	}
	return fd;
}

static bool
read_all(int fd, uint8_t *p, size_t n)
{
	while (n > 0) {
		ssize_t got = read(fd, p, n);

		if (got <= 0)
			return false;
		p += got;
		n -= (size_t)got;
	}
	return true;
}

/* A TPM command or response: tag, size, code, the rest. 0 at the end. */
static size_t
read_message(int fd, uint8_t *m)
{
	size_t n;

	if (!read_all(fd, m, HEADER))
		return 0;
	n = (size_t)m[2] << 24 | (size_t)m[3] << 16 | (size_t)m[4] << 8 | m[5];
	if (n < HEADER || n > MESSAGE_MAX || !read_all(fd, m + HEADER, n - HEADER))
		return 0;
	return n;
}

static bool
exchange(int tpm, const uint8_t *command, size_t n, uint8_t *response, size_t *ret_n)
{
	if (write(tpm, command, n) != (ssize_t)n)
		return false;
	*ret_n = read_message(tpm, response);
	return *ret_n != 0;
}

static void
extend(int tpm)
{
	static const uint8_t head[] = {0x80, 0x02, 0, 0, 0, 65,	 0,    0, 0x01, 0x82, 0,
				       0,    0,	   23, 0, 0, 0, 9, 0x40, 0, 0,	  9,  0,
				       0,    0,	   0,  0, 0, 0, 0, 1,	 0, 0x0B};
	uint8_t command[65] = {0}, response[MESSAGE_MAX];
	size_t n;

	memcpy(command, head, sizeof head);
	command[64] = 1;
	if (!exchange(tpm, command, sizeof command, response, &n))
		exit(4);
}

static void
reset(int tpm)
{
	static const uint8_t startup[] = {0x80, 0x01, 0, 0, 0, 12, 0, 0, 0x01, 0x44, 0, 0};
	uint8_t response[MESSAGE_MAX];
	char control[128];
	size_t n;
	pid_t child;
	int status = 1;

	snprintf(control, sizeof control, "%s.ctrl", target);
	child = fork();
	if (child == 0) {
		execlp("swtpm_ioctl", "swtpm_ioctl", "--unix", control, "-i", (char *)NULL);
		_exit(127);
	}
	if (waitpid(child, &status, 0) != child || status != 0 ||
	    !exchange(tpm, startup, sizeof startup, response, &n))
		exit(4);
}

static size_t
error_response(uint8_t *m, unsigned long rc)
{
	static const uint8_t head[] = {0x80, 0x01, 0, 0, 0, HEADER};

	memcpy(m, head, sizeof head);
	for (unsigned i = 0; i < 4; i++)
		m[6 + i] = (uint8_t)(rc >> 8 * (3 - i));
	return HEADER;
}

/* The action of the first rule left for this command, which is then spent. */
static const char *
action_for(const uint8_t *m)
{
	unsigned long cc = (unsigned long)m[6] << 24 | (unsigned long)m[7] << 16 |
			   (unsigned long)m[8] << 8 | m[9];

	for (char **r = rules; *r; r++) {
		char *end;

		if (**r == '\0' || strtoul(*r, &end, 16) != cc || *end != ':')
			continue;
		**r = '\0';
		return end + 1;
	}
	return "pass";
}

/* One command and its answer; false ends the connection. */
static bool
serve_one(int client, int tpm)
{
	uint8_t command[MESSAGE_MAX], response[MESSAGE_MAX];
	size_t n = read_message(client, command);
	const char *action;

	if (n == 0)
		return false;
	action = action_for(command);
	if (strcmp(action, "drop") == 0)
		return false;
	if (strcmp(action, "extend") == 0)
		extend(tpm);
	if (strcmp(action, "reset") == 0)
		reset(tpm);
	if (strchr("0123456789", *action))
		n = error_response(response, strtoul(action, NULL, 16));
	else if (!exchange(tpm, command, n, response, &n))
		return false;
	return write(client, response, n) == (ssize_t)n;
}

int
main(int argc, char **argv)
{
	int listener;

	if (argc < 3)
		return 64;
	target = argv[2];
	rules = argv + 3;
	listener = unix_socket(argv[1], true);
	for (;;) {
		int client = accept(listener, NULL, NULL), tpm;

		if (client < 0)
			return 4;
		tpm = unix_socket(target, false);
		while (serve_one(client, tpm))
			;
		close(tpm);
		close(client);
	}
}
