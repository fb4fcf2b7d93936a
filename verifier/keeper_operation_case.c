/* keeper_operation_case.c: `device.case`: see keeper_case(). */
#include "keeper_operation.h"

#include <stdlib.h>

enum assay_err
operation_on_device_case(struct call *c)
{
	static uint8_t *last; /* the answer before this: answers are copied when they leave */
	static struct ledger_device d;
	size_t n = 0;
	enum assay_err e;

	if ((e = call_device(c, &d)) != ASSAY_OK)
		return e;
	free(last);
	last = NULL;
	e = keeper_case(c->k, &d, &last, &n);
	if (e == ASSAY_NOT_FOUND)
		return call_fail(c, e, "the device has given no authentic evidence");
	if (e == ASSAY_TOO_LARGE)
		return call_fail(c, e, "its lists of files are too long to leave in one piece");
	if (e == ASSAY_OK)
		c->bytes = SPAN(last, n);
	return e;
}
