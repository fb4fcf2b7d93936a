/* client_upload.c: bytes that are too large for one request; see client.h. */
#include "client.h"

#include "verifier/appraise/text.h"

#include <unistd.h>

#define PIECE (1u << 20)

static void
show_sent(size_t sent, size_t all)
{
	if (isatty(STDERR_FILENO) == 1)
		fprintf(stderr, "\rsent %zu of %zu KiB%s", sent >> 10, all >> 10,
			sent == all ? "\n" : "");
}

int
client_upload(const struct client *c, struct span set, char id[CLIENT_UPLOAD_ID])
{
	json_t *answer;
	char path[128];
	size_t sent = 0;
	int status;

	answer = client_ask(c, true, "/v1/uploads", NULL, &status);
	if (!answer)
		return status;
	text_format(id, CLIENT_UPLOAD_ID, "%s", json_string_value(json_object_get(answer, "upload"))
					  ? json_string_value(json_object_get(answer, "upload"))
					  : "");
	json_decref(answer);
	while (sent < set.n) {
		size_t n = set.n - sent < PIECE ? set.n - sent : PIECE;

		text_format(path, sizeof path, "/v1/uploads/%.40s/%zu", id, sent);
		answer = client_send(c, path, SPAN(set.p + sent, n), &status);
		if (!answer)
			return status;
		json_decref(answer);
		sent += n;
		show_sent(sent, set.n);
	}
	return CLI_YES;
}
