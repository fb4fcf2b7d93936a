/* keeper_operation_metrics.c: `metrics`, for Prometheus. */
#include "keeper_operation.h"

#include "metrics.h"

enum assay_err
operation_on_metrics(struct call *c)
{
	static uint8_t text[METRICS_BYTES_MAX];
	struct writer w;

	wr_init(&w, text, sizeof text);
	keeper_metrics(c->k, &w);
	c->bytes = wr_span(&w);
	return w.err;
}
