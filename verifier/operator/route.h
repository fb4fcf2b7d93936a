/*
 * route.h: which operation a method and a path mean, and which fields it takes.
 *
 * One table (docs/operator.md shows it): method, pattern, operation, fields. A
 * {field} in a pattern takes one segment of the path. No HTTP and no JSON here.
 */
#ifndef OPERATOR_ROUTE_H
#define OPERATOR_ROUTE_H

#include "verifier/operation.h"

enum http_method { METHOD_NONE = 0, METHOD_GET, METHOD_POST };

#define ROUTE_ALLOW_MAX 32
#define ROUTE_BODY_SMALL (8u << 10)
#define ROUTE_BODY_FILE (OPERATION_FILE_MAX + OPERATION_FILE_MAX / 2) /* escapes in JSON */

struct route {
	enum http_method method;
	const char *pattern; /* "/v1/devices/{device}/hold" */
	enum operation_code op;
	uint64_t fields; /* bit f: field f may be given (query of GET, body of POST) */
	size_t body_max;
};

/*
 * The route of a request; fields of the path are set in op (spans into path), whose
 * code is set too. NOT_FOUND: no such path. STATE: the path has another method.
 */
ASSAY_MUST_USE enum assay_err route_find(enum http_method m, struct span path,
					 const struct route **ret, struct operation *op);
/* The methods of a path, as Allow says them; "" if there is no such path. */
void route_allow(struct span path, char ret[ROUTE_ALLOW_MAX]);
/* The body is not JSON but bytes: field file. */
bool route_is_raw(const struct route *r);
/* All routes, for documents and tests. */
const struct route *route_table(size_t *ret_n);

#endif
