/* cmd_device_show.c: one device in words: how it stands, why, and what to do. */
#include "client.h"
#include "device_ima.h"
#include "table.h"

#include <string.h>

extern const struct cli_command cmd_device_show;

#define LABEL 13

static void
line(const char *label, const char *text)
{
	if (text)
		printf("  %s%-*s%s%s\n", cli_dim(), LABEL, label, cli_plain(), text);
}

static const char *
or_dash(const char *s)
{
	return s ? s : "-";
}

/* ---- the device ---- */

static void
show_head(const json_t *d)
{
	const char *decision = or_dash(view_text(d, "decision")), *would = view_text(d, "would");
	const char *name = view_text(d, "name");

	printf("%s%s%s  %s%s%s", cli_bold(), name ? name : "(no name)", cli_plain(),
	       view_colour(decision), decision, cli_plain());
	if (would)
		printf(" (the policy is in monitor mode; it would be %s%s%s)", view_colour(would),
		       would, cli_plain());
	putchar('\n');
	line("id", view_text(d, "id"));
}

static const char *
trust_words(const char *trust)
{
	static const struct {
		const char *word, *text;
	} all[] = {
		{"never", "it has never given authentic evidence"},
		{"passed", "its last evidence was good"},
		{"limited", "its last evidence was good in part"},
		{"failed", "its last evidence was bad"},
		{"expired", "its last evidence was good and is too old to count"},
		{"awaited", "a new verdict is needed before anything counts"},
	};

	for (size_t i = 0; trust && i < sizeof all / sizeof all[0]; i++)
		if (strcmp(all[i].word, trust) == 0)
			return all[i].text;
	return or_dash(trust);
}

static void
show_record(const json_t *d, int64_t now)
{
	const char *overlay = view_text(d, "overlay"), *why = view_text(d, "overlay_reason");
	char text[512];

	line("class", or_dash(view_text(d, "class")));
	line("labels", view_text(d, "labels"));
	snprintf(text, sizeof text, "%s, tier %s, enrolled by %s %s",
		 or_dash(view_text(d, "status")), or_dash(view_text(d, "tier")),
		 or_dash(view_text(d, "enrolled_by")), view_ago(d, "created", now));
	line("status", text);
	if (overlay && strcmp(overlay, "none") != 0) {
		snprintf(text, sizeof text, "%s%s%s%s%s", overlay,
			 view_number(d, "overlay_until") ? " until " : "",
			 view_number(d, "overlay_until") ? view_time(d, "overlay_until") : "",
			 why ? ": " : "", why ? why : "");
		line("operator", text);
	}
	if (view_flag(d, "new_ak"))
		line("key",
		     "it came back with another attestation key; approve it if that was you");
	if (view_flag(d, "copied"))
		line("key", "it was live in two places; find the copy, then release the device");
	line("conflict", view_text(d, "conflict_with"));
}

static bool
is_attested(const json_t *d, const char *address)
{
	const json_t *list = json_object_get(d, "attested_addresses"), *a;
	size_t i;

	json_array_foreach(list, i, a)
		if (strcmp(json_string_value(a), address) == 0)
			return true;
	return false;
}

/* What relying parties know it by. */
static void
show_addresses(const json_t *d)
{
	const json_t *list = json_object_get(d, "addresses"), *a;
	char text[128];
	size_t i;

	json_array_foreach(list, i, a)
	{
		snprintf(text, sizeof text, "%.90s%s", json_string_value(a),
			 is_attested(d, json_string_value(a)) ? " (it attests from it)" : "");
		line(i ? "" : "known by", text);
	}
}

/* Quarantine has no end. */
static const char *
until_words(const json_t *d, const char *trust)
{
	if (strcmp(or_dash(view_text(d, "decision")), "QUARANTINE") != 0)
		return ", decision holds until ";
	return strcmp(trust, "expired") == 0 && view_number(d, "expires") ? ", it counted until "
									  : NULL;
}

static void
show_state(const json_t *d, int64_t now)
{
	const char *trust = or_dash(view_text(d, "trust")), *until = until_words(d, trust);
	char text[512];

	snprintf(text, sizeof text, "%s (%s); evidence of %s%s%s", trust, trust_words(trust),
		 view_ago(d, "verdict_at", now), until ? until : "",
		 until ? view_time(d, "expires") : "");
	line("trust", text);
	snprintf(text, sizeof text, "%s, last seen %s", or_dash(view_text(d, "connection")),
		 view_ago(d, "last_seen", now));
	line("connection", text);
	line("reason", view_text(d, "reason"));
	if (view_text(d, "failed")) {
		snprintf(text, sizeof text, "%s, when it was judged last (%s)",
			 view_text(d, "failed"), view_ago(d, "verdict_at", now));
		line("failed", text);
	}
}

/* What vouches for a key that is in no TPM. */
static void
show_key(const json_t *ek)
{
	char text[512];

	snprintf(text, sizeof text, "%s; %s%s%s%s",
		 view_flag(ek, "trusted") ? "certified by a registered CA"
		 : view_flag(ek, "certificate") ? "with a certificate that counts for nothing"
						: "without a certificate",
		 or_dash(view_text(ek, "reason")), view_text(ek, "issuer") ? ", issuer " : "",
		 view_text(ek, "issuer") ? view_text(ek, "issuer") : "",
		 view_flag(ek, "allow_listed") ? ", on the allow-list" : "");
	line("identity", text);
}

static void
show_ek(const json_t *d)
{
	const json_t *ek = json_object_get(d, "ek");
	const char *tier = view_text(d, "tier");
	char text[512];

	if (tier && strcmp(tier, "tpm") != 0 && strcmp(tier, "virtual-tpm") != 0) {
		show_key(ek);
		return;
	}
	snprintf(text, sizeof text, "%s %s, firmware %s; EK certificate %s%s",
		 or_dash(view_text(ek, "manufacturer")), or_dash(view_text(ek, "model")),
		 or_dash(view_text(ek, "version")),
		 !view_flag(ek, "certificate") ? "absent"
		 : view_flag(ek, "trusted")    ? "trusted" : "not trusted",
		 view_flag(ek, "allow_listed") ? ", on the allow-list" : "");
	line("TPM", text);
}

static void
show_counters(const json_t *d)
{
	const json_t *k = json_object_get(d, "counters"), *starts = json_object_get(d, "starts");
	char text[256];

	if (json_is_object(starts)) {
		snprintf(text, sizeof text, "start %lld, round %lld; signed by %.16s...",
			 (long long)view_number(starts, "count"),
			 (long long)view_number(starts, "round"),
			 or_dash(view_text(starts, "signer")));
		line("counters", text);
	}
	if (!json_is_object(k))
		return;
	snprintf(text, sizeof text, "reset %lld, restart %lld, clock %lld ms%s",
		 (long long)view_number(k, "reset_count"),
		 (long long)view_number(k, "restart_count"), (long long)view_number(k, "clock_ms"),
		 view_flag(k, "clock_safe") ? "" : " (may have gone back)");
	line("counters", text);
}

/* What it booted, and what later boots are compared with. */
static void
show_boot(const json_t *d)
{
	const char *log = view_text(d, "boot_log"), *good = view_text(d, "good_log");

	line("boot log", log);
	if (log && good && strcmp(log, good) == 0)
		line("last good", "this boot");
	else
		line("last good", good);
}

/* ---- the verdict ---- */

static void
show_judge(const json_t *verdict)
{
	const json_t *by = json_object_get(verdict, "judged_by");
	const json_t *policy = json_object_get(by, "policy");
	const json_t *set = json_object_get(by, "reference");
	const char *set_name = view_text(set, "name"), *digest = view_text(policy, "digest");
	char text[512];

	if (!json_is_object(by))
		return;
	snprintf(text, sizeof text, "%s (%.12s)%s", or_dash(view_text(policy, "name")),
		 digest ? digest : "none", view_flag(by, "monitor") ? ", monitor mode" : "");
	line("policy", text);
	digest = view_text(set, "digest");
	if (digest)
		snprintf(text, sizeof text, "matches %s (%.12s), %s", or_dash(set_name), digest,
			 or_dash(view_text(set, "state")));
	else
		snprintf(text, sizeof text, "matches no reference set");
	line("reference", text);
}

/* Two values of which most is alike: what is not stands out. */
static void
marked_line(const char *label, const char *text, const char *other)
{
	size_t n = strlen(text), m = other ? strlen(other) : 0, head = 0, tail = 0;

	while (head < n && head < m && text[head] == other[head])
		head++;
	while (tail < n - head && tail < m - head && text[n - 1 - tail] == other[m - 1 - tail])
		tail++;
	printf("  %s%-*s%s%.*s%s%.*s%s%s\n", cli_dim(), LABEL, label, cli_plain(), (int)head, text,
	       cli_red(), (int)(n - head - tail), text + head, cli_plain(), text + n - tail);
}

static void
show_values(const json_t *f)
{
	const char *seen = view_text(f, "seen"), *expected = view_text(f, "expected");

	if (seen)
		marked_line("   seen", seen, expected);
	if (expected)
		marked_line("   expected", expected, seen);
}

static void
show_where(const json_t *f)
{
	const json_t *pcr = json_object_get(f, "pcr"), *event = json_object_get(f, "event");
	char text[128] = "";

	if (json_is_integer(pcr))
		snprintf(text, sizeof text, "PCR %lld", (long long)json_integer_value(pcr));
	if (json_is_integer(event))
		snprintf(text + strlen(text), sizeof text - strlen(text),
			 "%sevent %lld of the boot log",
			 *text ? ", " : "", (long long)json_integer_value(event));
	if (*text)
		line("   where", text);
}

static void
show_finding(const json_t *f, size_t number)
{
	const char *cap = view_text(f, "cap"), *subject = view_text(f, "subject");

	printf("\n  %s%zu. %s%s (%s; at best %s%s%s)\n", cli_bold(), number,
	       or_dash(view_text(f, "text")), cli_plain(), or_dash(view_text(f, "word")),
	       view_colour(cap), or_dash(cap), cli_plain());
	if (subject && strncmp(subject, "PCR ", 4) != 0)
		line("   what", subject);
	show_where(f);
	show_values(f);
	line("   do", view_text(f, "remedy"));
	line("   rule", view_text(f, "rule"));
	if (view_flag(f, "sticky"))
		line("   holds", "until the device has booted again");
}

static void
show_findings(const json_t *verdict)
{
	const json_t *list = json_object_get(verdict, "findings");

	if (json_array_size(list) == 0) {
		puts("\nNothing was found against it.");
		return;
	}
	printf("\nFound in its last evidence:\n");
	for (size_t i = 0; i < json_array_size(list); i++)
		show_finding(json_array_get(list, i), i + 1);
}

static void
show_facts(const json_t *verdict)
{
	static const char *const heads[] = {"FACT", "VALUE", "FROM", "FOUND", NULL};
	const json_t *list = json_object_get(verdict, "facts");
	struct table t;

	putchar('\n');
	table_init(&t, heads);
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *f = json_array_get(list, i), *index = json_object_get(f, "index");
		char name[TABLE_CELL_MAX];

		if (json_is_integer(index))
			snprintf(name, sizeof name, "%s[%lld]", or_dash(view_text(f, "name")),
				 (long long)json_integer_value(index));
		else
			snprintf(name, sizeof name, "%s", or_dash(view_text(f, "name")));
		table_cell(&t, name, "");
		table_cell(&t, view_text(f, "value"), "");
		table_cell(&t, view_text(f, "provenance"), "");
		table_cell(&t, view_time(f, "at"), "");
	}
	table_print(&t, stdout);
}

static int
show(const struct client *c, const json_t *d)
{
	const json_t *verdict = json_object_get(d, "verdict");
	int64_t now = view_number(d, "now");

	show_head(d);
	show_record(d, now);
	show_addresses(d);
	show_state(d, now);
	show_ek(d);
	show_counters(d);
	show_boot(d);
	device_ima_show(d);
	if (!json_is_object(verdict)) {
		puts("\nThere is no authentic evidence of it yet.");
		return CLI_YES;
	}
	show_judge(verdict);
	show_findings(verdict);
	device_ima_first(json_object_get(d, "ima"), "New to its class in this boot");
	if (client_option(c, "facts"))
		show_facts(verdict);
	return CLI_YES;
}

static const struct client_spec spec = {
	.command = &cmd_device_show,
	.path = "/v1/devices/{0}",
	.args = {"DEVICE"},
	.options = {{"check", "", CLIENT_FLAG, false}, {"facts", "", CLIENT_FLAG, false}},
	.show = show,
};

static int
run(int argc, char **argv)
{
	struct client_words words = {argc, argv};
	const char *decision;
	struct client c;
	json_t *answer;
	int status;

	if (!client_parse(&c, &spec, words, &status))
		return status;
	answer = client_ask_spec(&c, &status);
	if (!answer)
		return status;
	status = client_present(&c, answer);
	decision = json_string_value(json_object_get(answer, "decision"));
	if (status == CLI_YES && client_option(&c, "check") &&
	    (!decision || strcmp(decision, "ADMIT") != 0))
		status = CLI_NEGATIVE;
	json_decref(answer);
	return status;
}

const struct cli_command cmd_device_show = {
	.group = "device",
	.name = "show",
	.usage = "DEVICE [--facts] [--check] [--json]",
	.summary = "one device: how it stands, what was seen, what was expected, what to do",
	.help = "DEVICE is a name, an id, or at least four first digits of an id.\n\n"
		"  --facts   also everything that its evidence says\n"
		"  --check   exit status 1 unless the decision is ADMIT\n",
	.run = run,
};
