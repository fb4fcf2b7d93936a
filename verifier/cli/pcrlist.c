/* pcrlist.c: see pcrlist.h. */
#include "pcrlist.h"

#include "evidence/hex.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE_MAX_CHARS 512

static enum assay_err
set_value(struct pcr_values *v, uint16_t alg, unsigned index, const char *hex)
{
	uint8_t b[DIGEST_MAX];
	struct digest d;
	size_t n;
	enum assay_err e;

	if (hex[0] == '0' && (hex[1] == 'x' || hex[1] == 'X'))
		hex += 2;
	if ((e = hex_decode(hex, b, sizeof b, &n)) != ASSAY_OK ||
	    (e = digest_from(alg, SPAN(b, n), &d)) != ASSAY_OK)
		return e;
	return pcr_set(v, index, &d);
}

/* ---- text ---------------------------------------------------------------- */

/* "  sha256:" opens a bank, "    7 : 0xHEX" is a value, empty lines are passed over. */
static enum assay_err
take_line(const char *line, uint16_t *alg, struct pcr_values *v)
{
	char word[16], hex[2 * DIGEST_MAX + 3], rest;
	unsigned index;

	if (line[strspn(line, " \t\r")] == '\0')
		return ASSAY_OK;
	if (sscanf(line, " %u : %130[0-9A-Fa-fx] %c", &index, hex, &rest) == 2) {
		if (*alg == ALG_NONE)
			return ASSAY_MISSING;
		return index < PCR_COUNT ? set_value(v, *alg, index, hex) : ASSAY_OK;
	}
	if (sscanf(line, " %15[A-Za-z0-9_] %c", word, &rest) == 2 && rest == ':') {
		*alg = digest_by_name(word);
		return ASSAY_OK;
	}
	return ASSAY_MALFORMED;
}

static enum assay_err
parse_text(struct span file, struct pcr_values *v, char what[PCRLIST_WHAT_MAX])
{
	uint16_t alg = ALG_NONE;
	unsigned number = 0;
	struct reader r;

	rd_init(&r, file);
	while (rd_left(&r) > 0) {
		char line[LINE_MAX_CHARS];
		size_t n = 0;
		enum assay_err e;
		uint8_t c = 0;

		number++;
		while (rd_left(&r) > 0 && (c = rd_u8(&r)) != '\n')
			if (n + 1 < sizeof line)
				line[n++] = (char)c;
		line[n] = '\0';
		if ((e = take_line(line, &alg, v)) != ASSAY_OK) {
			snprintf(what, PCRLIST_WHAT_MAX, "line %u", number);
			return e;
		}
	}
	return ASSAY_OK;
}

/* ---- JSON ---------------------------------------------------------------- */

static enum assay_err
take_bank(uint16_t alg, const char *name, json_t *bank, struct pcr_values *v,
	  char what[PCRLIST_WHAT_MAX])
{
	const char *key;
	json_t *value;

	json_object_foreach(bank, key, value) {
		char *end;
		unsigned long index = strtoul(key, &end, 10);
		enum assay_err e = ASSAY_MALFORMED;

		if (end != key && *end == '\0' && json_is_string(value))
			e = index < PCR_COUNT ? set_value(v, alg, (unsigned)index,
							  json_string_value(value))
					      : ASSAY_OK;
		if (e == ASSAY_OK)
			continue;
		snprintf(what, PCRLIST_WHAT_MAX, "bank %.16s, PCR %.16s", name, key);
		return e;
	}
	return ASSAY_OK;
}

static enum assay_err
take_banks(json_t *banks, struct pcr_values *v, char what[PCRLIST_WHAT_MAX])
{
	const char *name;
	json_t *bank;

	json_object_foreach(banks, name, bank) {
		uint16_t alg = digest_by_name(name);
		enum assay_err e;

		if (alg == ALG_NONE || !json_is_object(bank))
			continue;
		if ((e = take_bank(alg, name, bank, v, what)) != ASSAY_OK)
			return e;
	}
	return ASSAY_OK;
}

static enum assay_err
parse_json(struct span file, struct pcr_values *v, char what[PCRLIST_WHAT_MAX])
{
	json_error_t error;
	json_t *root = json_loadb((const char *)file.p, file.n, JSON_REJECT_DUPLICATES, &error);
	json_t *banks;
	enum assay_err e;

	if (!root) {
		snprintf(what, PCRLIST_WHAT_MAX, "line %d: %.80s", error.line, error.text);
		return ASSAY_MALFORMED;
	}
	banks = json_object_get(root, "banks");
	if (!banks)
		banks = json_object_get(root, "pcrs");
	e = take_banks(json_is_object(banks) ? banks : root, v, what);
	json_decref(root);
	return e;
}

enum assay_err
pcrlist_parse(struct span file, struct pcr_values *ret, char ret_what[PCRLIST_WHAT_MAX])
{
	struct pcr_values v = {0};
	struct reader r;
	uint8_t c = 0;
	uint32_t any = 0;
	enum assay_err e;

	snprintf(ret_what, PCRLIST_WHAT_MAX, "the file");
	rd_init(&r, file);
	while (rd_left(&r) > 0 && (c = rd_u8(&r)) <= ' ')
		continue;
	e = c == '{' ? parse_json(file, &v, ret_what) : parse_text(file, &v, ret_what);
	if (e != ASSAY_OK)
		return e;
	for (size_t i = 0; i < v.count; i++)
		any |= v.bank[i].mask;
	if (any == 0) {
		snprintf(ret_what, PCRLIST_WHAT_MAX, "the file");
		return ASSAY_MISSING;
	}
	*ret = v;
	return ASSAY_OK;
}
