/* policy_compile_tolerate.c: workarounds for what firmware measures wrongly (L20); see
 * policy_compile.h. Each has a name, a model, PCRs and a reason. */
#include "policy_source.h"

#include "verifier/appraise/bootfacts.h"

#include <string.h>

struct workaround_job {
	const struct source_workaround *src;
	const struct yaml_node *at;
	struct policy_workaround *ret;
};

static const struct yaml_node *
place(const struct compile *c, const struct workaround_job *j, const char *key)
{
	const struct yaml_node *n = yaml_find(c->doc, j->at, key);

	return n ? n : j->at;
}

static const char *
boot_word(unsigned i, const void *arg)
{
	(void)arg;
	return i + 1 < BOOTFIND_COUNT ? boot_finding_word((enum boot_finding_code)(i + 1)) : NULL;
}

static const char *
type_word(unsigned i, const void *arg)
{
	uint32_t type;

	(void)arg;
	return bootevent_type_at(i, &type);
}

static void
unknown_word(struct compile *c, const struct yaml_node *at, const char *what, const char *near)
{
	source_error(c, at, "\"%s\" is no %s%s%s%s", at->text ? at->text : "", what,
		     near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
}

static void
compile_finding(struct compile *c, const struct workaround_job *j)
{
	const char *word = j->src->finding, *w;

	j->ret->finding = SPAN(word, strlen(word));
	for (unsigned i = 0; (w = boot_word(i, NULL)) != NULL; i++)
		if (strcmp(w, word) == 0)
			return;
	unknown_word(c, place(c, j, "finding"), "finding of boot logs",
		     yaml_nearest(word, boot_word, NULL));
}

static void
compile_type(struct compile *c, const struct workaround_job *j)
{
	const char *w;
	uint32_t type;

	j->ret->any_type = j->src->event == NULL;
	if (!j->src->event)
		return;
	for (unsigned i = 0; (w = bootevent_type_at(i, &type)) != NULL; i++)
		if (strcmp(w, j->src->event) == 0) {
			j->ret->type = type;
			return;
		}
	unknown_word(c, place(c, j, "event"), "type of events",
		     yaml_nearest(j->src->event, type_word, NULL));
}

static struct span
compile_text(struct compile *c, const struct workaround_job *j, const char *key, const char *text)
{
	if (!text)
		return SPAN(NULL, 0);
	if (!source_printable(text))
		source_error(c, place(c, j, key), "%s is one line of printable ASCII", key);
	return SPAN(text, strlen(text));
}

/* Never for everybody. */
static void
compile_model(struct compile *c, const struct workaround_job *j)
{
	struct policy_workaround *k = j->ret;

	k->manufacturer = compile_text(c, j, "manufacturer", j->src->manufacturer);
	k->model = compile_text(c, j, "model", j->src->model);
	k->firmware = compile_text(c, j, "firmware", j->src->firmware);
	if (!policy_pattern_names(k->manufacturer) && !policy_pattern_names(k->model) &&
	    !policy_pattern_names(k->firmware) && strcmp(c->policy.info.class_name, "*") == 0)
		source_error(c, j->at,
			     "a workaround is for one model: give manufacturer, model or "
			     "firmware, or write a policy for a class");
}

/* Findings tell a workaround by the same field as a rule. */
static void
compile_name(struct compile *c, const struct workaround_job *j, unsigned i)
{
	const struct yaml_node *at = place(c, j, "id");
	const char *id = j->src->id;
	bool twice = false;

	j->ret->id = SPAN(id, strlen(id));
	if (!source_id(c, at, id))
		return;
	for (unsigned k = 0; k < i; k++)
		twice |= strcmp(c->src->workarounds[k].id, id) == 0;
	for (unsigned k = 0; k < c->src->rules_count; k++)
		twice |= strcmp(c->src->rules[k].id, id) == 0;
	if (twice)
		source_error(c, at, "id \"%s\" stands twice", id);
}

void
policy_compile_workarounds(struct compile *c)
{
	const struct yaml_node *list = source_at(c, NULL, "tolerate");

	for (unsigned i = 0; i < c->src->workarounds_count; i++) {
		struct workaround_job j = {
			.src = &c->src->workarounds[i],
			.at = yaml_item(c->doc, list, i),
			.ret = &c->policy.workarounds[i],
		};
		const struct yaml_node *pcrs = place(c, &j, "pcrs");

		compile_name(c, &j, i);
		compile_finding(c, &j);
		compile_type(c, &j);
		compile_model(c, &j);
		j.ret->pcrs = source_pcrs(c, pcrs, j.src->pcrs, j.src->pcrs_count);
		if (j.ret->pcrs & ~c->asked)
			source_error(c, pcrs, "a PCR in tolerate is not in ask");
		j.ret->reason = compile_text(c, &j, "reason", j.src->reason);
		c->policy.nworkarounds++;
	}
}
