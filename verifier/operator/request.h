/*
 * request.h: one HTTP request of an operator, made into an operation.
 *
 * Fed in order: method and path, then each query pair, then the body. Bodies are one
 * flat JSON object of texts and whole numbers; nesting, doubles, unknown names and
 * anything else are refused by name. It holds what the operation's fields point to.
 */
#ifndef OPERATOR_REQUEST_H
#define OPERATOR_REQUEST_H

#include "route.h"

#include <jansson.h>

#define REQUEST_PATH_MAX 512
#define REQUEST_QUERY_MAX 2048 /* all values together */

struct operator_request {
	const struct route *route;
	struct operation op;
	json_t *body;
	char path[REQUEST_PATH_MAX];
	char query[REQUEST_QUERY_MAX];
	size_t query_used;
	char number[F_COUNT][24];
	char message[160]; /* why it was refused, for people */
};

/* NOT_FOUND, STATE (other method), TOO_LARGE. The struct is usable only after OK. */
ASSAY_MUST_USE enum assay_err request_start(struct operator_request *r, enum http_method m,
					    struct span path);
/* One decoded "key=value". MALFORMED, TOO_LARGE. */
ASSAY_MUST_USE enum assay_err request_query(struct operator_request *r, struct span pair);
/* One that the caller cannot hold, so that nobody takes it for one not given: TOO_LARGE. */
ASSAY_MUST_USE enum assay_err request_long_query(struct operator_request *r);
/* The whole body, at most route->body_max bytes; empty is no field. MALFORMED,
 * TOO_LARGE. */
ASSAY_MUST_USE enum assay_err request_body(struct operator_request *r, struct span body);
void request_free(struct operator_request *r);

#endif
