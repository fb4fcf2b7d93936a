/* config.c: configuration files as keys and values, see measure.h and normal.h. */
#include "normal.h"
#include "secrets.h"

#include <stdlib.h>
#include <string.h>

static enum software_note
parse(enum item_format f, struct span text, struct listing *l)
{
	switch (f) {
	case FORMAT_KEY_VALUE:
		return normal_key_value(text, l);
	case FORMAT_INI:
		return normal_ini(text, l);
	case FORMAT_JSON:
		return normal_json(text, l);
	case FORMAT_YAML:
		return normal_yaml(text, l);
	}
	return NOTE_FAULT;
}

enum software_note
measure_config(struct measure *m, const struct item *it, struct result *r)
{
	struct listing l = {.n = 0};
	struct span text = {NULL, 0};
	enum software_note note = measure_slurp(m, it, NORMAL_FILE_MAX, &text);

	if (note == NOTE_NONE) {
		uint8_t *own = (uint8_t *)(uintptr_t)text.p;

		note = parse(it->format, text, &l);
		explicit_bzero(own, text.n); /* there may be secrets in it */
		free(own);
	}
	return secrets_manifest(&l, it, note, r);
}
