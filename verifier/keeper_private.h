/*
 * keeper_private.h: the inside of keeper, shared by keeper*.c and nobody else.
 *
 * One thread, one loop. A turn of the loop handles every message that is there,
 * then commits the ledger once if anything changed, and only then sends what
 * depends on it (struct deferred).
 */
#ifndef VERIFIER_KEEPER_PRIVATE_H
#define VERIFIER_KEEPER_PRIVATE_H

#include "appraiser.h"
#include "bulk.h"
#include "keeper.h"
#include "keys.h"
#include "live.h"
#include "bucket.h"
#include "metrics.h"
#include "sandbox.h"

#include "evidence/binding.h"
#include "evidence/hex.h"
#include "evidence/writer.h"
#include "verifier/result/signing.h"

#define KEEPER_TICK_MS 20	   /* challenges that are due are sent every so often */
#define KEEPER_BATCH_MAX 256	   /* messages of one channel per turn */
#define KEEPER_RESTARTS_MAX 10	   /* of one role within KEEPER_RESTART_WINDOW_MS */
#define KEEPER_RESTART_WINDOW_MS 5000
#define KEEPER_RELOAD_SPREAD_MS 2000
#define KEEPER_CLOCK_JUMP_S 30
#define KEEPER_PRUNE_EVERY_S 3600
#define KEEPER_DEFAULT_INTERVAL_S 60
#define KEEPER_DEFAULT_PCRS 0x7BFFu /* 0 to 9 and 11 to 14 */
#define KEEPER_PIPELINE_MAX 32 /* requests given to one appraiser at a time */
#define KEEPER_COMPILE_JOBS_MAX 16
#define KEEPER_REQUESTS_MAX 8192 /* rounds waiting for an appraiser */

/* ---- children ---- */

struct child {
	enum role role;
	pid_t pid; /* 0: not running */
	struct ipc ipc;
	unsigned index; /* of a net process; of outbound: its destination */
	int64_t certificate_expires; /* of the TLS certificate that it was given; 0: none */
	bool ready;
	bool flushing;	/* watched until its socket takes what waits */
	bool spare;	/* fresh: has seen no request; for reproductions only */
	bool stopping;
	unsigned served;
	/* appraiser: what it works on, in the order it was given; the first is being
	 * judged, the others wait in its socket so that it need not wait for keeper */
	struct request *work, *work_tail;
	unsigned nwork;
	struct compile_job *job; /* compiler */
	int64_t started_ms;
	int64_t since_ms; /* when what it does now was begun: its first request, job or end */
	uint16_t nsent;
	uint64_t sent[APPRAISER_MAPS_MAX]; /* maps it has */
};

#define KEEPER_OUTBOUND_MAX 32 /* and those of them that are about to end */
#define KEEPER_CHILDREN_MAX                                                                   \
	(KEEPER_NET_MAX + KEEPER_APPRAISERS_MAX + KEEPER_COMPILE_JOBS_MAX +                   \
	 KEEPER_OUTBOUND_MAX + 1)

struct compile_job {
	struct compile_job *next;
	uint16_t kind;
	uint8_t *input; /* COMPILE payload; NULL: COMPILE_BULK */
	size_t len;
	int fd; /* COMPILE_BULK's; 0: none */
	compile_done done;
	void *arg;
};

/* ---- rounds ---- */

enum request_kind {
	REQ_ROUND = 1,
	REQ_REPRODUCE,
	REQ_CORE,
	REQ_ENROL,
	REQ_ENROL_REPRODUCE,
	REQ_REPLAY, /* keeper_replay.h: stored evidence, a prediction */
	REQ_EXPLAIN, /* stored evidence, for people */
};

/* What operators said of a device when it was last looked at; it holds until devices or
 * policies are changed. */
struct standing {
	uint64_t devices, policies; /* their changes by then */
	enum device_status status;
	enum device_overlay overlay;
	int64_t overlay_until;
	uint8_t policy[32]; /* that judges it; zeros: none */
};

/* One piece of work for an appraiser. Owned by a queue or a child. */
struct request {
	struct request *next;
	enum request_kind kind;
	uint64_t id;
	uint64_t session;
	uint64_t begun_us; /* when it was given to an appraiser */
	uint8_t evidence[32]; /* digest of what the device sent, as keeper computed it */
	char device[DEVICE_ID_HEX + 1];
	uint64_t version;     /* of the device's state when the request was made */
	struct standing standing;
	uint8_t before[BINDING_NONCE_SIZE]; /* nonce of the round stored then */
	uint8_t again;	      /* judged anew because something else changed the state */
	uint8_t *payload;     /* as sent to the appraiser */
	size_t len;
	uint8_t maps[1 + REFERENCES_PER_DEVICE_MAX + 4][32]; /* digests it needs */
	unsigned nmaps;
	uint8_t *first; /* reproduction: the first verdict's bytes */
	size_t first_len;
	unsigned deaths; /* appraisers that died of it */
	/* what is stored if the verdict is committed */
	uint8_t nonce[BINDING_NONCE_SIZE];
	struct pcr_selection asked;
	int64_t issued; /* of offline evidence: when its challenge was; else 0 */
	uint8_t *proof, *claims, *log;
	size_t proof_len, claims_len, log_len;
	const struct replay *replay; /* REQ_REPLAY, while it is put together: whose it is */
	uint32_t row;		     /* of the replay whose number ->version is */
	explain_done *explain; /* REQ_EXPLAIN: who asked */
	void *explain_arg;
	bool has_log;
	bool offer_log; /* attach the stored log whatever the decision */
	/* IMA list: entries from ima_from on, of which the first ima_stored bytes (and
	 * ima_entries entries) are the ledger's */
	bool has_ima, ima_offered;
	uint64_t ima_from, ima_stored, ima_entries;
	uint64_t ima_asked; /* where the device was last asked to begin, and.. */
	uint64_t ima_judges; /* ..the policy_generation of then */
	struct bulk ima;
	/* manifests of software items: delivered, or kept from earlier rounds */
	uint8_t nfiles;
	struct bytes {
		uint8_t *p;
		size_t n;
	} files[APPRAISAL_FILES_MAX];
	uint8_t wanted[32]; /* digest of the one that was asked for last */
	uint8_t *split; /* lengths of the entries that were proved: be32 each */
	size_t split_len;
	char class_name[DEVICE_CLASS_MAX + 1];
	enum address_conflict conflict; /* found when a first verdict told the address */
	char owner[DEVICE_ID_HEX + 1];	/* whose it is */
	uint8_t conflicts;
	uint8_t needs;	/* how often the device was asked for parts */
	int64_t at_ms; /* monotonic, when the proof came */
};

enum keeper_session_state {
	KS_NEW = 0,
	KS_CHALLENGED,
	KS_JUDGING,
	KS_NEEDING,
	KS_ENROLLING,
	KS_CREDENTIAL,
	KS_POSSESSION,
	KS_IDLE,
};

/* On one connection, until the device is enrolled. */
struct enrolment {
	uint8_t secret[MSG_SECRET_SIZE];
	uint8_t *frame; /* EnrolKey, until possession is shown */
	size_t frame_len;
	struct enrol_verdict verdict;
};

struct keeper_session {
	uint64_t id;
	enum keeper_session_state state;
	char peer[64];
	bool bound;
	uint8_t channel[BINDING_CHANNEL_SIZE];
	struct tpm_name key_name; /* claimed until ->proved */
	uint8_t nbanks;
	uint16_t banks[PCR_BANKS_MAX];
	bool proved;
	bool reread; /* the next challenge demands that everything is measured anew */
	char device[DEVICE_ID_HEX + 1]; /* once proved */
	uint8_t nonce[BINDING_NONCE_SIZE];
	struct pcr_selection asked;
	int64_t challenged_ms, deadline_ms; /* of the challenge; monotonic */
	int64_t next_ms;     /* next challenge is due; 0: none */
	struct request *held; /* waits for parts */
	int ima_fd; /* of them, the IMA list; 0: none yet */
	struct enrolment *enrolment;
	struct submission *offline; /* no connection: evidence that an operator submitted */
};

/* What leaves after the commit of this turn. */
struct deferred {
	struct deferred *next;
	bool is_reply;	 /* to console, else to net */
	uint64_t id;
	enum ipc_type type;
	size_t len;
	uint8_t bytes[];
};

/* How many enrolments a source has asked for lately. */
struct rate {
	char peer[64];
	int64_t since;
	unsigned count;
};
#define KEEPER_RATES 256

struct keeper {
	const struct config *config;
	struct ledger *ledger;
	uint8_t ledger_key[32];
	char tls_pin[65];
	struct signing *signing;
	struct feed *feed; /* keeper_feed.c */
	struct outbox *outbox; /* keeper_outbound.c */
	int epoll, signals, timer;
	bool stopping, failed;
	int64_t now, now_ms; /* wall clock s, monotonic ms, of this turn */
	int64_t wall_minus_mono_ms;
	int64_t swept_s, pruned_s;
	bool changing;	     /* a transaction is open */
	bool poisoned;	     /* it is incomplete: roll back instead of committing */
	bool reloaded;	     /* in this turn; what was loaded may have been changed in it */
	struct deferred *first, *last;
	struct sandbox_ids ids;

	struct child children[KEEPER_CHILDREN_MAX];
	struct request *queue, *queue_tail;   /* for regular appraisers */
	struct request *spare_queue, *spare_tail;
	unsigned queued;
	uint64_t next_request;
	struct compile_job *jobs;
	int restarts;
	int64_t restart_window_ms;

	unsigned sessions_max; /* per net process */
	struct keeper_session **sessions[KEEPER_NET_MAX];
	struct live live; /* devices by id: connection, expiry */
	unsigned uploads;
	size_t ima_bytes; /* of lists in requests */
	struct rate rates[KEEPER_RATES];

	bool no_policy; /* one that is active cannot be read: none judges */
	unsigned npolicies;
	struct keeper_policy policies[KEEPER_POLICIES_MAX];
	unsigned nreferences;
	struct keeper_reference *references;
	struct keeper_map roots, dice_roots, token_roots;
	struct keeper_map known_bad; /* digests that operators declared bad; none: no bytes */
	unsigned nrollouts;
	struct keeper_rollout *rollouts;
	uint8_t judges[32]; /* digest over policies, rings and references in force */
	struct replay *replay, *replay_read; /* runs or ran last; read from the ledger last */
	struct pcr_selection ask; /* what unproved sessions are asked: class-neutral */
	uint64_t policy_generation;

	char listen[CONFIG_TEXT_MAX]; /* with the real port once it is known */
	struct keeper_status status;
	struct metrics metrics;
	struct bucket_table limits[RATE_COUNT]; /* of operators */
	struct bucket_table refused;		/* orders that the audit log may be told of */
	/* for one message at a time; too large for the stack */
	struct verdict verdict;
	struct appraisal_input input;
	struct ledger_device device;
	uint8_t *scratch; /* KEEPER_SCRATCH */
};
#define KEEPER_SCRATCH (6u << 20)

/* Which net process a session belongs to. */
#define NET_INDEX(id) ((unsigned)((id) >> 56))

/* keeper_turn.c */
/* One commit for everything that happened in this turn, then what waited for it. */
void keeper_finish_turn(struct keeper *k);
void keeper_defer(struct keeper *k, enum ipc_type t, uint64_t id, struct span bytes);
/* Send a frame to a device after this turn's commit. */
void keeper_send(struct keeper *k, uint64_t session, struct span frame);

/* keeper_limit.c */
ASSAY_MUST_USE enum assay_err keeper_limits_init(struct keeper *k);
void keeper_limits_free(struct keeper *k);
void keeper_on_limited(struct keeper *k, struct child *c, const struct ipc_msg *m);

/* keeper_child.c */
ASSAY_MUST_USE enum assay_err keeper_children_start(struct keeper *k);
/* The other net processes, once the first has the port. */
void keeper_children_rest(struct keeper *k);
/* Once a second: whoever is missing because it could not be started. */
void keeper_children_keep(struct keeper *k);
void keeper_children_stop(struct keeper *k);
/* A child died or broke the rules: its work goes elsewhere, it is replaced. */
void keeper_child_lost(struct keeper *k, struct child *c, const char *why);
ASSAY_MUST_USE enum assay_err keeper_child_start(struct keeper *k, enum role r,
						 struct child **ret);
/* A process for destination number index. */
ASSAY_MUST_USE enum assay_err keeper_outbound_start(struct keeper *k, unsigned index,
						    struct child **ret);
/* Finish and be replaced. */
void keeper_child_retire(struct keeper *k, struct child *c);

/* keeper_work.c */
void keeper_work_free(struct keeper *k, struct child *c);
/* The work of an appraiser that has ended: judged elsewhere. blame: it died of the
 * first of these. */
void keeper_work_rescue(struct keeper *k, struct request *first, bool blame);
/* Every second: who takes too long is replaced. */
void keeper_work_watch(struct keeper *k);
void keeper_job_fail(struct keeper *k, struct compile_job *j);
void keeper_job_free(struct compile_job *j);
/* Give waiting requests to idle appraisers and jobs to compilers. */
void keeper_dispatch(struct keeper *k);
void keeper_request_free(struct keeper *k, struct request *r);
/* The request that c's next answer must be about; NULL: none. */
struct request *keeper_expected(const struct child *c);
/* Its answer came: take it off, and take the appraiser out of service if it has
 * served enough or is not to be trusted any more. */
void keeper_appraiser_done(struct keeper *k, struct child *c, bool distrust);
void keeper_enqueue(struct keeper *k, struct request *r);
/* Give it to an appraiser that has less than so many to do, if there is one and no round
 * waits; else false, and it stays the caller's. */
bool keeper_offer(struct keeper *k, struct request *r, unsigned depth);
struct child *keeper_net(struct keeper *k, unsigned index);
void keeper_watch(struct keeper *k, struct child *c);

/* keeper_session.c */
void keeper_on_open(struct keeper *k, struct child *c, const struct ipc_msg *m);
void keeper_on_hello(struct keeper *k, struct child *c, const struct ipc_msg *m);
void keeper_on_closed(struct keeper *k, struct child *c, const struct ipc_msg *m);
struct keeper_session *keeper_find_session(struct keeper *k, uint64_t id);
void keeper_session_free(struct keeper *k, struct keeper_session *s);
void keeper_challenge(struct keeper *k, struct keeper_session *s);
/* The connection closes after this word. */
void keeper_refuse(struct keeper *k, uint64_t session, const char *word, bool retry);
/* Every KEEPER_TICK_MS: challenges due, deadlines. */
void keeper_rounds_tick(struct keeper *k);

/* keeper_round.c */
void keeper_on_proof(struct keeper *k, struct child *c, const struct ipc_msg *m);
void keeper_on_parts(struct keeper *k, struct child *c, const struct ipc_msg *m);
void keeper_take_standing(struct keeper *k, const struct ledger_device *d, struct standing *ret);
/* Put together what the appraiser needs and queue it; refuses if it cannot. */
void keeper_submit(struct keeper *k, struct keeper_session *s, struct request *r);
/* Pieces of that, for replays. */
void keeper_fill_device(struct appraisal_input *in, const struct ledger_device *d);
void keeper_fill_references(struct keeper *k, struct request *r, const struct ledger_device *d);
ASSAY_MUST_USE enum assay_err keeper_encode_request(struct keeper *k, struct request *r);
ASSAY_MUST_USE enum assay_err keeper_copy(struct span in, uint8_t **ret, size_t *ret_len);

/* keeper_asked.c; keeper_asked_read() is in keeper.h */
void keeper_asked_write(const struct request *r, struct writer *w);

/* keeper_offline.c: evidence in files; docs/offline.md */
/* A session that is no connection; NULL. Its number is above those of all net processes. */
struct keeper_session *keeper_offline_session(struct keeper *k, uint64_t id);
/* Its answer is this word; the session ends. */
void keeper_offline_refuse(struct keeper *k, struct keeper_session *s, const char *word,
			   bool retry);
/* Something more is needed than was in the file. True: it is taken as withheld, and to be
 * judged so; false: that cannot be. */
bool keeper_offline_withhold(struct keeper *k, struct request *r, const struct verdict *v);
/* STATE: the challenge was answered meanwhile, or taken back. */
ASSAY_MUST_USE enum assay_err keeper_offline_open(struct keeper *k, struct keeper_session *s);
/* Within the change that stores the decision: nothing else answers this challenge. */
ASSAY_MUST_USE enum assay_err keeper_offline_settle(struct keeper *k, struct keeper_session *s);
void keeper_offline_decided(struct keeper *k, struct keeper_session *s, const struct verdict *v,
			    const struct decision_view *d);

/* keeper_ima.c */
/* A whole list, from its first entry on, becomes r's. BUSY: too much is being held. */
ASSAY_MUST_USE enum assay_err keeper_ima_take(struct keeper *k, struct request *r,
					      struct span list);
void keeper_on_ima(struct keeper *k, struct child *c, const struct ipc_msg *m);
void keeper_on_split(struct keeper *k, struct child *c, const struct ipc_msg *m);
void keeper_ima_forget(struct keeper_session *s);
void keeper_ima_free(struct keeper *k, struct request *r);
/* The ledger has what is wanted, and r has it now; else the device is to be asked. */
/* The boot's whole list from the ledger, into the request; false: there is none. */
bool keeper_ima_stored(struct keeper *k, struct request *r);
bool keeper_ima_offer(struct keeper *k, struct request *r, const struct msg_need *n);
/* What the device sent becomes r's, behind what the ledger had if it was asked so. BUSY:
 * too much is being held. */
ASSAY_MUST_USE enum assay_err keeper_ima_parts(struct keeper *k, struct keeper_session *s,
					       struct request *r);
/* Of r's list, what the device sent. */
struct span keeper_ima_sent(const struct request *r);
ASSAY_MUST_USE enum assay_err keeper_ima_give(struct child *c, const struct request *r);
/* Within the change that stores the verdict. */
ASSAY_MUST_USE enum assay_err keeper_ima_store(struct keeper *k, struct request *r,
					       const struct verdict *v);

/* keeper_verdict.c */
void keeper_on_verdict(struct keeper *k, struct child *c, const struct ipc_msg *m);
/* Evidence that has killed two appraisers, or that none can take. */
void keeper_round_failed(struct keeper *k, struct request *r);

/* keeper_files.c */
/* The manifest that is wanted is at hand, and r has it now; else the device is asked. */
bool keeper_files_offer(struct keeper *k, struct request *r, const struct verdict *v);
/* What the device sent. */
void keeper_files_parts(struct keeper *k, struct request *r, struct span bytes);
void keeper_files_fill(struct appraisal_input *in, const struct request *r);
void keeper_files_release(struct request *r);

/* keeper_stored.c: what was judged last, as the state has it; its spans are the ledger's. */
ASSAY_MUST_USE enum assay_err keeper_stored_fill(const struct ledger_state *st,
						 struct appraisal_input *in);
/* The boot's list goes along, as after any change of what judges it, if the policy asks for
 * PCR 10; into r and k->input. p may be NULL. */
void keeper_stored_ima(struct keeper *k, struct request *r, const struct keeper_policy *p);

/* keeper_explain.c */
void keeper_on_explanation(struct keeper *k, struct child *c, const struct ipc_msg *m);
/* No appraiser can say it: who asked is told so. */
void keeper_explain_lost(struct keeper *k, struct request *r);

/* keeper_replay.c */
void keeper_on_prediction(struct keeper *k, struct child *c, const struct ipc_msg *m);
/* Once a turn, before its commit: some more of a replay. */
void keeper_replay_step(struct keeper *k);
/* An appraiser died of it, or it cannot be given to any: that device is unknown. */
void keeper_replay_lost(struct keeper *k, struct request *r);
/* What it judges by has changed: it tells nothing any more. */
void keeper_replay_abort(struct keeper *k, const char *why);
/* The candidate's map, if it is this one; NULL. */
const struct keeper_map *keeper_replay_map(struct keeper *k, const uint8_t digest[32]);
/* Whether the request is a replay's that takes this set as promoted. */
bool keeper_replayed(const struct request *r, const struct keeper_reference *ref);
void keeper_replay_end(struct keeper *k);

/* keeper_enrol.c */
void keeper_on_enrol(struct keeper *k, struct child *c, const struct ipc_msg *m);
void keeper_on_activation(struct keeper *k, struct child *c, const struct ipc_msg *m);
void keeper_on_enrol_verdict(struct keeper *k, struct child *c, const struct ipc_msg *m);
void keeper_enrolment_free(struct enrolment *e);
/* Who may enrol is decided, and told; s->enrolment has the verdict, and is freed. */
void keeper_enrol_now(struct keeper *k, struct keeper_session *s);
/* A request to judge the enrolment of s; in->frame and what belongs to it are filled. */
ASSAY_MUST_USE enum assay_err keeper_enrol_submit(struct keeper *k, struct keeper_session *s,
						  struct enrol_input *in);

/* keeper_enrol_key.c: devices without TPM */
/* An EnrolKey frame: the key must show that it is there. */
void keeper_possession_ask(struct keeper *k, struct keeper_session *s, struct span frame);
/* The Proof that answers it. */
void keeper_on_possession(struct keeper *k, struct keeper_session *s, struct span proof);
/* Why such a key may not enrol at all, or NULL. */
const char *keeper_key_refusal(struct keeper *k, const struct enrol_verdict *v, bool listed);
/* A verdict that shows a copy is about to be committed: the record keeps it. */
ASSAY_MUST_USE enum assay_err keeper_note_copy(struct keeper *k, const char *device,
					       const struct verdict *v);

/* keeper_decide.c */
struct decision_input {
	enum device_status status;
	enum device_overlay overlay;
	int64_t overlay_until; /* of maintenance; 0: no end is known */
	bool fault;	/* ledger fault */
	bool judged;	/* there is an authentic verdict */
	enum outcome verdict;
	int64_t verdict_at, now;
	int64_t expires_at; /* VERDICT_ENDED: an operator's order ended it */
	const char *finding; /* first finding's word of that verdict; may be "" */
};
/* Pure; the table of causes. */
void decide(const struct decision_input *in, struct decision_view *ret);
/* Append a decision record if it differs from the last one, updating st->decision. */
ASSAY_MUST_USE enum assay_err keeper_record_decision(struct keeper *k, struct ledger_state *st,
						     const struct decision_view *d,
						     const char *detail);
/* Once a second: verdicts that expired, clock jumps. */
void keeper_decisions_sweep(struct keeper *k);
ASSAY_MUST_USE enum assay_err keeper_live_load(struct keeper *k);
/* The device's decision ends now. */
ASSAY_MUST_USE enum assay_err keeper_expire(struct keeper *k, const char *device);

/* keeper_record.c: what relying parties are told of a decision */
/* Sign the record of this decision, whose row is planned, into row->record. */
ASSAY_MUST_USE enum assay_err keeper_record_sign(struct keeper *k, struct ledger_decision *row,
						 const struct decision_view *d);
/* Tell the audit log of it. */
ASSAY_MUST_USE enum assay_err keeper_audit_decision(struct keeper *k, const struct ledger_state *st,
						    const struct ledger_decision *row);
/* The card (name, class, labels) in live is brought up to date; true: it changed. */
bool keeper_card_changed(struct keeper *k, const struct ledger_device *d);

/* keeper_token.c */
/* What goes along with a decision to its device; empty: none, or the last still serves. */
struct span keeper_device_token(struct keeper *k, const char *device, const struct verdict *v,
				const struct decision_view *view);

/* keeper_feed.c: the decision stream (docs/decision-stream.md) */
ASSAY_MUST_USE enum assay_err keeper_feed_init(struct keeper *k);
void keeper_feed_free(struct keeper *k);
void keeper_on_feed_open(struct keeper *k, struct child *c, const struct ipc_msg *m);
void keeper_on_feed_pull(struct keeper *k, struct child *c, const struct ipc_msg *m);
void keeper_on_feed_closed(struct keeper *k, struct child *c, const struct ipc_msg *m);
/* A child ended: so did its connections. */
void keeper_feed_child_lost(struct keeper *k, const struct child *c);
/* After the commit of a turn: what relying parties are to know now. */
void keeper_feed_turn(struct keeper *k);
/* The key set, to a child that starts to serve; NULL: to all. */
void keeper_feed_keys(struct keeper *k, struct child *c);

/* keeper_outbound.c: webhooks, syslog, the journal (docs/webhooks.md) */
ASSAY_MUST_USE enum assay_err keeper_outbound_init(struct keeper *k);
void keeper_outbound_free(struct keeper *k);
void keeper_on_outbound_result(struct keeper *k, struct child *c, const struct ipc_msg *m);
void keeper_outbound_lost(struct keeper *k, unsigned index, bool expected, const char *why);
/* After the commit of a turn: what is to leave now. */
void keeper_outbound_turn(struct keeper *k);
/* The turn's changes did not happen. */
void keeper_outbound_rolled_back(struct keeper *k);
struct metrics_now;
void keeper_outbound_metrics(struct keeper *k, struct metrics_now *n);
/* Read the webhooks' secrets again. */
void keeper_outbound_secrets(struct keeper *k);
/* Its role's part of CONFIG. */
ASSAY_MUST_USE enum assay_err keeper_outbound_configure(struct keeper *k, unsigned index,
							struct writer *w);

/* keeper_maps.c */
ASSAY_MUST_USE enum assay_err keeper_maps_load(struct keeper *k);
void keeper_maps_free(struct keeper *k);
const struct keeper_map *keeper_map_find(struct keeper *k, const uint8_t digest[32]);
/* Those of keeper_judges.c, and a candidate's. */
const struct keeper_map *keeper_judges_map(struct keeper *k, const uint8_t digest[32]);
void keeper_judges_free(struct keeper *k);
/* One more policy, from its row. */
ASSAY_MUST_USE enum assay_err keeper_policy_load(struct keeper *k, const struct ledger_policy *p);
/* keeper_judges.c: rings and planned changes, once policies and references are loaded. */
ASSAY_MUST_USE enum assay_err keeper_judges_load(struct keeper *k);
ASSAY_MUST_USE enum assay_err keeper_map_make(struct keeper_map *m, struct span bytes);
void keeper_map_free(struct keeper_map *m);
/* The policy that would judge if this one were active for all; NULL is the same as
 * keeper_policy_for(). */
const struct keeper_policy *keeper_policy_with(struct keeper *k,
					       const struct keeper_policy *candidate,
					       const char *class_name, const char *labels);
/* What would be enforced then, while p judges the device; NULL: nothing. */
const struct keeper_policy *keeper_enforced_with(struct keeper *k,
						 const struct keeper_policy *candidate,
						 const struct keeper_policy *p,
						 const struct ledger_device *d);


/* ---- keeper_address.c ---- */

void keeper_address_fill(struct appraisal_input *in, const struct keeper_session *s,
			 const struct request *r);
/* Whether what the verdict attests is free or the device's own. EXISTS: it is another's,
 * and r says so: to be judged again. */
ASSAY_MUST_USE enum assay_err keeper_address_check(struct keeper *k,
						   const struct keeper_session *s,
						   struct request *r);
/* Makes it the device's, where configuration wants it, and takes away what was before. */
ASSAY_MUST_USE enum assay_err keeper_address_take(struct keeper *k,
						  const struct keeper_session *s,
						  const struct request *r, int64_t until);
/* What a device attested ends with its last verdict. */
void keeper_address_expire(struct keeper *k, struct live_device *d);
ASSAY_MUST_USE enum assay_err keeper_address_load(struct keeper *k, struct live_device *d,
						  int64_t until);

#endif
