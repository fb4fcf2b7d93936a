/* cmd_decision.c: what relying parties are told: `assay decision show|watch`. */
#include "client.h"
#include "table.h"
#include "wsocket.h"

#include "evidence/base64.h"
#include "evidence/stream.h"
#include "verifier/appraise/text.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

extern const struct cli_command cmd_decision_show, cmd_decision_watch;

/* ---- show ---- */

static int
show_decision(const struct client *c, const json_t *answer)
{
	const char *decision = view_text(answer, "decision");
	int64_t now = view_number(answer, "now");

	(void)c;
	if (!decision)
		return cli_fail(CLI_FAULT, "the verifier's answer has no decision");
	printf("%s%s%s: %s\n", view_colour(decision), decision, cli_plain(),
	       view_text(answer, "reason"));
	printf("  device    %s, tier %s\n", view_text(answer, "device"),
	       view_text(answer, "tier"));
	printf("  record    number %lld, issued %s (%s)\n",
	       (long long)view_number(answer, "sequence"), view_time(answer, "issued"),
	       view_ago(answer, "issued", now));
	printf("  expires   %s\n", view_number(answer, "expires")
					   ? view_time(answer, "expires")
					   : "not; it holds until the next one");
	return strcmp(decision, "ADMIT") == 0 ? CLI_YES : CLI_NEGATIVE;
}

static int
run_show(int argc, char **argv)
{
	static const struct client_spec spec = {
		.command = &cmd_decision_show,
		.path = "/v1/devices/{0}/decision",
		.args = {"DEVICE"},
		.show = show_decision,
	};

	return client_run(&spec, argc, argv);
}

const struct cli_command cmd_decision_show = {
	.group = "decision",
	.name = "show",
	.usage = "DEVICE [--json]",
	.summary = "the decision about a device, and the record that relying parties have",
	.help = "With --json also the signed record itself.\n\n"
		"Exit status: 0 ADMIT, 1 RESTRICT or QUARANTINE, 2 no such device or no "
		"decision.\n",
	.run = run_show,
};

/* ---- watch ---- */

struct watch {
	const struct client *c;
	struct stream stream;
	struct stream_event event;
	uint64_t decisions, wanted; /* wanted: 0: no end */
};

static void
print_time(int64_t t)
{
	time_t at = (time_t)t;
	struct tm tm;
	char text[32] = "-";

	if (t && gmtime_r(&at, &tm))
		strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &tm);
	printf("%s", text);
}

static void
print_record(const struct stream_event *ev)
{
	const struct record *r = &ev->record;

	print_time(r->issued);
	printf("  %6llu  %-8s  %-24s  ", (unsigned long long)r->seq,
	       ev->type == STREAM_GONE ? "gone" : "decision", r->name[0] ? r->name : r->device);
	printf("%-10s  %-11s  %s", record_outcome_name(r->outcome), record_tier_name(r->tier),
	       r->nreasons ? r->reasons[0] : "-");
	if (r->expires) {
		printf("  until ");
		print_time(r->expires);
	}
	putchar('\n');
}

static void
print_event(const struct watch *w)
{
	const struct stream_event *ev = &w->event;

	switch (ev->type) {
	case STREAM_DECISION:
	case STREAM_GONE:
		print_record(ev);
		break;
	case STREAM_SNAPSHOT:
		printf("# everything as of number %llu\n", (unsigned long long)ev->head);
		break;
	case STREAM_CURRENT:
		printf("# up to date: number %llu\n", (unsigned long long)ev->head);
		break;
	case STREAM_KEYS:
		if (!client_option(w->c, "root"))
			fprintf(stderr, "note: no key is pinned; the verifier says its root is "
					"%s\n",
				w->stream.root);
		break;
	default:
		break;
	}
}

/* The message as it came: it is one JSON object already. */
static void
print_json(struct span message)
{
	(void)fwrite(message.p, 1, message.n, stdout);
	putchar('\n');
}

/* How it ends, or CLI_YES with *ret_more to go on. */
static int
take(struct watch *w, struct span message, bool *ret_more)
{
	enum assay_err e = stream_on_message(&w->stream, message, time(NULL), &w->event);

	*ret_more = false;
	if (e != ASSAY_OK)
		return cli_fail(CLI_NEGATIVE, "the stream does not verify: %s", assay_err_text(e));
	if (w->c->json)
		print_json(message);
	else
		print_event(w);
	fflush(stdout);
	if (w->event.type == STREAM_END) {
		const char *word = w->event.reason;

		return cli_fail(strcmp(word, "malformed") == 0 ? CLI_BAD_INPUT : CLI_NO_ACCESS,
				"the verifier ended the stream: %s%s", word,
				strcmp(word, "ahead") == 0 ? " (its ledger is older than --after)"
							   : "");
	}
	w->decisions += w->event.type == STREAM_DECISION || w->event.type == STREAM_GONE;
	*ret_more = !w->wanted || w->decisions < w->wanted;
	return CLI_YES;
}

static int
follow(struct watch *w, struct wsocket *s)
{
	struct span message;
	bool more = true;
	int status = CLI_YES;
	enum assay_err e;

	while (more) {
		e = wsocket_next(s, STREAM_SILENCE_S * 1000, &message);
		if (e == ASSAY_BUSY)
			return cli_fail(CLI_NO_ACCESS, "no heartbeat for %d s", STREAM_SILENCE_S);
		if (e != ASSAY_OK)
			return cli_fail(CLI_NO_ACCESS, "the stream has ended: %s; resume with "
						       "--after %llu", assay_err_text(e),
					(unsigned long long)w->stream.last);
		status = take(w, message, &more);
	}
	return status;
}

static void
put_query(const struct client *c, const char *name, char *path, size_t cap)
{
	const char *value = client_option(c, name);
	size_t n = strlen(path);

	if (!value)
		return;
	n += (size_t)snprintf(path + n, n < cap ? cap - n : 0, "&%s=", name);
	for (; *value && n + 4 < cap; value++) {
		bool plain = (*value >= 'a' && *value <= 'z') || (*value >= 'A' && *value <= 'Z') ||
			     (*value >= '0' && *value <= '9') || strchr("-_.", *value);

		n += (size_t)snprintf(path + n, cap - n, plain ? "%c" : "%%%02X",
				      (unsigned char)*value);
	}
}

static bool
set_number(const char *text, uint64_t *ret)
{
	char *end;

	if (strspn(text, "0123456789") != strlen(text) || !*text || strlen(text) > 18)
		return false;
	*ret = strtoull(text, &end, 10);
	return true;
}

static int
start(struct watch *w, char *path, size_t cap)
{
	const char *after = client_option(w->c, "after"), *count = client_option(w->c, "count");
	struct stream_options o = {.root = client_option(w->c, "root"),
				   .class_name = client_option(w->c, "class"),
				   .labels = client_option(w->c, "labels")};
	uint8_t random[18];
	char nonce[32] = "";
	struct writer n;

	if (after && !set_number(after, &o.after))
		return cli_usage(&cmd_decision_watch, "--after must be a whole number");
	if (count && (!set_number(count, &w->wanted) || w->wanted == 0))
		return cli_usage(&cmd_decision_watch, "--count must be a whole number");
	if (getrandom(random, sizeof random, 0) != sizeof random)
		return cli_fail(CLI_FAULT, "no random numbers");
	wr_init(&n, nonce, sizeof nonce - 1);
	base64url_put(&n, SPAN(random, sizeof random));
	o.nonce = nonce;
	o.resume = after != NULL;
	if (stream_init(&w->stream, &o) != ASSAY_OK)
		return cli_usage(&cmd_decision_watch, "--root, --class or --labels is too long");
	snprintf(path, cap, "/v1/decisions?nonce=%s", nonce);
	put_query(w->c, "after", path, cap);
	put_query(w->c, "class", path, cap);
	put_query(w->c, "labels", path, cap);
	return CLI_YES;
}

static int
run_watch(int argc, char **argv)
{
	static const struct client_spec spec = {
		.command = &cmd_decision_watch,
		.options = {{"after", "after", CLIENT_LOCAL, false},
			    {"class", "class", CLIENT_LOCAL, false},
			    {"labels", "labels", CLIENT_LOCAL, false},
			    {"root", "root", CLIENT_LOCAL, false},
			    {"count", "count", CLIENT_LOCAL, false}},
	};
	struct client_words words = {argc, argv};
	static struct watch w;
	struct client c;
	struct wsocket *s;
	char path[2048];
	int status;

	if (!client_parse(&c, &spec, words, &status))
		return status;
	w.c = &c;
	if ((status = start(&w, path, sizeof path)) != CLI_YES)
		return status;
	if (!(s = wsocket_open(&c, path, "assay.decisions.v1", &status)))
		return status;
	status = follow(&w, s);
	wsocket_close(s);
	return status;
}

const struct cli_command cmd_decision_watch = {
	.group = "decision",
	.name = "watch",
	.usage = "[--root KID] [--after N] [--class CLASS] [--labels TEXT] [--count N] [--json]",
	.summary = "decisions as they are made, each verified, until interrupted",
	.help = "What a relying party hears, with every signature, number and heartbeat checked\n"
		"(docs/decision-stream.md). With --json each message as it came, one per line.\n\n"
		"  --root KID      the verifier's first key (`assay key list'); without it the\n"
		"                  verifier is believed who it is\n"
		"  --after N       resume after this number; without it everything comes first\n"
		"  --class CLASS   only devices of this class\n"
		"  --labels TEXT   only devices with these labels, as \"site=berlin\"\n"
		"  --count N       end after so many decisions\n\n"
		"Exit status: 0 after --count, 1 the stream does not verify, 3 it ended.\n",
	.run = run_watch,
};
