/* secrets.c: see secrets.h. */
#include "secrets.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static bool
contains(const char *key, size_t n, const char *word)
{
	size_t w = strlen(word);

	for (size_t i = 0; i + w <= n; i++)
		if (strncasecmp(key + i, word, w) == 0)
			return true;
	return false;
}

static bool
is_one_of(const char *word, size_t n)
{
	static const char *const words[] = {"key", "keys", "psk", "pin", "pass", "pwd"};

	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
		if (strlen(words[i]) == n && strncasecmp(words[i], word, n) == 0)
			return true;
	return false;
}

/* Length of the word that starts at s. */
static size_t
word_length(const char *s)
{
	size_t n = 0;

	while (isalnum((unsigned char)s[n])) {
		n++;
		if (islower((unsigned char)s[n - 1]) && isupper((unsigned char)s[n]))
			break;
	}
	return n;
}

bool
secrets_named(const char *key)
{
	static const char *const parts[] = {"password",	  "passwd", "passphrase", "secret",
					    "token",	  "credential", "apikey", "privatekey",
					    "privkey"};

	for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
		if (contains(key, strlen(key), parts[i]))
			return true;
	while (*key) {
		size_t n = word_length(key);

		if (is_one_of(key, n))
			return true;
		key += n ? n : 1;
	}
	return false;
}

static bool
is_secret(const struct item *it, const char *key)
{
	return secrets_named(key) && !measure_matches(it->keep, key);
}

/* JSON strings keep their quotes in the value, so that "1" and 1 differ. */
static struct span
bare(const struct item *it, const struct listing_entry *e)
{
	struct span s = SPAN(e->value, e->len);
	struct reader r;

	if (it->format != FORMAT_JSON || it->kind != SOFTWARE_CONFIG || s.n < 2 || s.p[0] != '"')
		return s;
	rd_init(&r, s);
	(void)rd_u8(&r);
	return rd_bytes(&r, s.n - 2);
}

/* Values that the configuration names are told, but never a secret. */
static void
tell(const struct listing *l, const struct item *it, struct told *t)
{
	const struct listing_entry *e = listing_find(l, t->key);

	t->value[0] = '\0';
	if (secrets_named(t->key))
		t->note = NOTE_SECRET; /* also if `keep` has it: keep is about measuring */
	else if (!e)
		t->note = NOTE_ABSENT;
	else
		t->note = measure_escape(bare(it, e), t->value, sizeof t->value) ? NOTE_NONE
										  : NOTE_TOO_LARGE;
	if (t->note != NOTE_NONE)
		t->value[0] = '\0';
}

static void
take_version(const struct listing *l, const struct item *it, struct result *r)
{
	const struct listing_entry *e;

	if (it->version != VERSION_KEY)
		return;
	e = listing_find(l, it->version_text);
	if (!e || secrets_named(it->version_text) ||
	    !measure_escape(bare(it, e), r->version, sizeof r->version))
		r->version[0] = '\0';
}

static void
drop(struct listing *l, const struct item *it)
{
	size_t to = 0;

	for (size_t i = 0; i < l->n; i++) {
		struct listing_entry e = l->v[i];

		if (measure_matches(it->drop, e.name)) {
			free(e.name);
			free(e.value);
			continue;
		}
		e.how = is_secret(it, e.name) ? LISTING_SILENT : LISTING_HASHED;
		l->v[to++] = e;
	}
	l->n = to;
}

enum software_note
secrets_manifest(struct listing *l, const struct item *it, enum software_note note,
		 struct result *r)
{
	if (note == NOTE_NONE)
		note = listing_sort(l);
	for (size_t i = 0; i < r->ntold; i++) {
		r->told[i].note = note;
		r->told[i].value[0] = '\0';
		if (note == NOTE_NONE)
			tell(l, it, &r->told[i]);
	}
	if (note == NOTE_NONE) {
		take_version(l, it, r);
		drop(l, it); /* after values were told: an address may be both */
		note = listing_manifest(l, r);
	}
	listing_free(l);
	return note;
}
