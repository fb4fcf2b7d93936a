/* error.c: the texts of include/assay/error.h. */
#include <assay/error.h>

static const char *const names[] = {
#define X(code, word, text) word,
	ASSAY_ERRORS(X)
#undef X
};

static const char *const texts[] = {
#define X(code, word, text) text,
	ASSAY_ERRORS(X)
#undef X
};

const char *
assay_err_name(enum assay_err e)
{
	return (unsigned)e < ASSAY_ERR_COUNT ? names[e] : "unknown";
}

const char *
assay_err_text(enum assay_err e)
{
	return (unsigned)e < ASSAY_ERR_COUNT ? texts[e] : "unknown error";
}
