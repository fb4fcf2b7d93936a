/* problem.c: see problem.h. */
#include "problem.h"

#include "verifier/appraise/text.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define DETAIL_MAX 1024

static const struct {
	enum assay_err e;
	unsigned status;
} statuses[] = {
	{ASSAY_OK, 200},	{ASSAY_MISSING, 401},	  {ASSAY_DENIED, 403},
	{ASSAY_NOT_FOUND, 404}, {ASSAY_STATE, 409},	  {ASSAY_EXISTS, 409},
	{ASSAY_DUPLICATE, 409}, {ASSAY_MISMATCH, 409},	  {ASSAY_EXPIRED, 409},
	{ASSAY_REVOKED, 409},	{ASSAY_TOO_LARGE, 413},	  {ASSAY_MALFORMED, 400},
	{ASSAY_TOO_MANY, 400},	{ASSAY_UNSUPPORTED, 400}, {ASSAY_TRUNCATED, 400},
	{ASSAY_TRAILING, 400},	{ASSAY_BAD_TYPE, 400},	  {ASSAY_BAD_MAGIC, 400},
	{ASSAY_WEAK, 400},	{ASSAY_FULL, 503},	  {ASSAY_BUSY, 503},
	{ASSAY_UNREACHABLE, 503}, {ASSAY_LIMITED, 429},
};

static const struct {
	unsigned status;
	const char *title;
} titles[] = {
	{400, "Bad Request"},
	{401, "Unauthorized"},
	{403, "Forbidden"},
	{404, "Not Found"},
	{405, "Method Not Allowed"},
	{409, "Conflict"},
	{411, "Length Required"},
	{412, "Precondition Failed"},
	{413, "Content Too Large"},
	{414, "URI Too Long"},
	{415, "Unsupported Media Type"},
	{429, "Too Many Requests"},
	{500, "Internal Server Error"},
	{503, "Service Unavailable"},
	{504, "Gateway Timeout"},
};

unsigned
problem_status(enum assay_err e)
{
	for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++)
		if (statuses[i].e == e)
			return statuses[i].status;
	return 500;
}

const char *
problem_title(unsigned status)
{
	for (size_t i = 0; i < sizeof titles / sizeof titles[0]; i++)
		if (titles[i].status == status)
			return titles[i].title;
	return "Error";
}

size_t
problem_document(unsigned status, enum assay_err e, const char *detail, char ret[PROBLEM_MAX])
{
	char safe[DETAIL_MAX];
	json_t *j;
	size_t n;

	text_format(safe, sizeof safe, "%s", detail && *detail ? detail : assay_err_text(e));
	for (char *p = safe; *p; p++)
		if (*p < 0x20 || *p > 0x7E)
			*p = '?'; /* what is shown was escaped where it was made */
	j = json_pack("{s:s, s:s, s:i, s:s, s:s}", "type", "about:blank", "title",
		      problem_title(status), "status", (int)status, "error", assay_err_name(e),
		      "detail", safe);
	n = j ? json_dumpb(j, ret, PROBLEM_MAX, JSON_COMPACT) : 0;
	json_decref(j);
	return n <= PROBLEM_MAX ? n : 0;
}

void
problem_message(struct span keeper_document, char *ret, size_t cap)
{
	json_t *j = json_loadb((const char *)keeper_document.p, keeper_document.n, 0, NULL);
	const char *message = json_string_value(json_object_get(j, "message"));

	text_format(ret, cap, "%s", message ? message : "");
	json_decref(j);
}

unsigned
problem_retry(struct span keeper_document)
{
	json_t *j = json_loadb((const char *)keeper_document.p, keeper_document.n, 0, NULL);
	json_int_t n = json_integer_value(json_object_get(j, "retry_after"));

	json_decref(j);
	return n >= 1 && n <= 3600 ? (unsigned)n : 1;
}
