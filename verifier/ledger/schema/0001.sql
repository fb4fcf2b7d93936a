-- 0001.sql: the ledger's first schema.
--
-- Each table's first column is its key. `mac` is HMAC-SHA256 over the table's name
-- and all its columns but `mac` (docs/ledger.md); it stands early so that reading it
-- does not read the large columns. Times are seconds since the epoch.

-- One row: what the ledger says of itself. `sum` is the masked sum over all rows' MACs.
CREATE TABLE meta (
	id INTEGER PRIMARY KEY CHECK (id = 1),
	mac BLOB NOT NULL,
	ledger BLOB NOT NULL,
	version INTEGER NOT NULL,
	counter INTEGER NOT NULL,
	decision_seq INTEGER NOT NULL,
	audit_seq INTEGER NOT NULL,
	audit_hash BLOB NOT NULL,
	nonce BLOB NOT NULL,
	sum BLOB NOT NULL
) STRICT;

CREATE TABLE device (
	id TEXT PRIMARY KEY NOT NULL,
	mac BLOB NOT NULL,
	status INTEGER NOT NULL,
	overlay INTEGER NOT NULL,
	overlay_reason TEXT NOT NULL,
	overlay_until INTEGER NOT NULL,
	name TEXT NOT NULL,
	class TEXT NOT NULL,
	labels TEXT NOT NULL,
	tier INTEGER NOT NULL,
	new_ak INTEGER NOT NULL,
	ek_name BLOB NOT NULL UNIQUE,
	ak_name BLOB NOT NULL UNIQUE,
	ek_public BLOB NOT NULL,
	ak_public BLOB NOT NULL,
	ek_certificate INTEGER NOT NULL,
	ek_trusted INTEGER NOT NULL,
	ek_allow_listed INTEGER NOT NULL,
	ek_expired INTEGER NOT NULL,
	ek_issuer_expired INTEGER NOT NULL,
	ek_virtual INTEGER NOT NULL,
	ek_weak INTEGER NOT NULL,
	ek_reason TEXT NOT NULL,
	ek_manufacturer TEXT NOT NULL,
	ek_model TEXT NOT NULL,
	ek_version TEXT NOT NULL,
	ek_serial TEXT NOT NULL,
	ek_issuer TEXT NOT NULL,
	ek_not_after INTEGER NOT NULL,
	enrolled_by TEXT NOT NULL,
	conflict_with TEXT NOT NULL,
	copied INTEGER NOT NULL,
	created INTEGER NOT NULL,
	updated INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX device_name ON device (name) WHERE name <> '';
CREATE INDEX device_status ON device (status);

-- One row per device, made with it. The MAC covers the large values by their digests
-- (d_x, empty for an empty value). What changes with every round is in this row ...
CREATE TABLE state (
	device TEXT PRIMARY KEY NOT NULL REFERENCES device (id),
	mac BLOB NOT NULL,
	version INTEGER NOT NULL,
	verdict_outcome INTEGER NOT NULL,
	verdict_at INTEGER NOT NULL,
	expires_at INTEGER NOT NULL,
	decision INTEGER NOT NULL,
	decision_seq INTEGER NOT NULL,
	nonce BLOB NOT NULL,
	channel BLOB NOT NULL,
	asked BLOB NOT NULL,
	boot_log BLOB NOT NULL,
	good_log BLOB NOT NULL,
	boot_at INTEGER NOT NULL,
	policy BLOB NOT NULL,
	reference BLOB NOT NULL,
	d_continuity BLOB NOT NULL,
	d_proof BLOB NOT NULL,
	d_verdict BLOB NOT NULL,
	d_claims BLOB NOT NULL,
	d_boot BLOB NOT NULL,
	continuity BLOB NOT NULL,
	proof BLOB NOT NULL
) STRICT;

-- ... and what often stays as it was is written only when it changes: 1 verdict, 2 claims,
-- 3 facts of the boot.
CREATE TABLE state_part (
	device TEXT NOT NULL REFERENCES device (id),
	part INTEGER NOT NULL,
	bytes BLOB NOT NULL,
	PRIMARY KEY (device, part)
) STRICT;

-- Bytes by their SHA-256.
CREATE TABLE blob (
	digest BLOB PRIMARY KEY NOT NULL,
	bytes BLOB NOT NULL
) STRICT;

-- How often devices' states name a blob as boot log (boot_log, good_log); 0: it may be
-- forgotten.
CREATE TABLE boot_log (
	digest BLOB PRIMARY KEY NOT NULL REFERENCES blob (digest),
	refs INTEGER NOT NULL
) STRICT;
CREATE INDEX boot_log_loose ON boot_log (digest) WHERE refs = 0;

CREATE TABLE decision (
	seq INTEGER PRIMARY KEY,
	mac BLOB NOT NULL,
	previous INTEGER NOT NULL,
	device TEXT NOT NULL REFERENCES device (id),
	outcome INTEGER NOT NULL,
	before INTEGER NOT NULL,
	reason TEXT NOT NULL,
	detail TEXT NOT NULL,
	at INTEGER NOT NULL,
	expires INTEGER NOT NULL,
	record BLOB NOT NULL
) STRICT;
CREATE INDEX decision_device ON decision (device, seq);
CREATE INDEX decision_at ON decision (at);

CREATE TABLE token (
	id TEXT PRIMARY KEY NOT NULL,
	mac BLOB NOT NULL,
	secret_hash BLOB NOT NULL,
	class TEXT NOT NULL,
	labels TEXT NOT NULL,
	lowest_tier INTEGER NOT NULL,
	uses_left INTEGER NOT NULL,
	created INTEGER NOT NULL,
	expires INTEGER NOT NULL,
	created_by TEXT NOT NULL
) STRICT;

CREATE TABLE ek (
	digest BLOB PRIMARY KEY NOT NULL,
	mac BLOB NOT NULL,
	class TEXT NOT NULL,
	labels TEXT NOT NULL,
	name TEXT NOT NULL,
	created INTEGER NOT NULL
) STRICT;

CREATE TABLE reference (
	name TEXT PRIMARY KEY NOT NULL,
	mac BLOB NOT NULL,
	digest BLOB NOT NULL,
	class TEXT NOT NULL,
	device TEXT NOT NULL,
	state INTEGER NOT NULL,
	origin TEXT NOT NULL,
	author TEXT NOT NULL,
	created INTEGER NOT NULL,
	not_after INTEGER NOT NULL,
	compiled BLOB NOT NULL,
	not_before INTEGER NOT NULL,
	labels TEXT NOT NULL,
	version INTEGER NOT NULL,
	UNIQUE (digest, class)
) STRICT;

CREATE TABLE policy (
	digest BLOB PRIMARY KEY NOT NULL,
	mac BLOB NOT NULL,
	name TEXT NOT NULL,
	version INTEGER NOT NULL,
	active INTEGER NOT NULL,
	author TEXT NOT NULL,
	comment TEXT NOT NULL,
	created INTEGER NOT NULL,
	source BLOB NOT NULL,
	compiled BLOB NOT NULL,
	activated INTEGER NOT NULL,
	activated_by TEXT NOT NULL,
	activated_why TEXT NOT NULL
) STRICT;
CREATE INDEX policy_name ON policy (name, digest);

CREATE TABLE operator (
	name TEXT PRIMARY KEY NOT NULL,
	mac BLOB NOT NULL,
	credential INTEGER NOT NULL,
	hash BLOB NOT NULL UNIQUE,
	role INTEGER NOT NULL,
	created INTEGER NOT NULL,
	expires INTEGER NOT NULL,
	revoked INTEGER NOT NULL
) STRICT;

-- Hash-chained instead of MACed; meta holds the newest sequence number and hash.
CREATE TABLE audit (
	seq INTEGER PRIMARY KEY,
	at INTEGER NOT NULL,
	actor TEXT NOT NULL,
	action TEXT NOT NULL,
	object TEXT NOT NULL,
	detail TEXT NOT NULL,
	previous BLOB NOT NULL,
	hash BLOB NOT NULL
) STRICT;
CREATE INDEX audit_object ON audit (object, seq);

-- The bytes of large reference sets, in pieces of 1 MiB; the row of the set then has only
-- their beginning.
CREATE TABLE reference_chunk (
	reference BLOB NOT NULL, -- digest of one or more
	number INTEGER NOT NULL,
	bytes BLOB NOT NULL,
	PRIMARY KEY (reference, number)
) STRICT;

-- Entries of IMA lists as kernels wrote them, once for the whole fleet, by their SHA-256;
-- how many segments name each.
CREATE TABLE ima_entry (
	id INTEGER PRIMARY KEY,
	digest BLOB NOT NULL UNIQUE,
	refs INTEGER NOT NULL,
	bytes BLOB NOT NULL
) STRICT;
CREATE INDEX ima_entry_loose ON ima_entry (id) WHERE refs = 0;

-- Which class of devices had an entry first when, and in which device.
CREATE TABLE ima_seen (
	entry INTEGER NOT NULL REFERENCES ima_entry (id) ON DELETE CASCADE,
	class TEXT NOT NULL,
	at INTEGER NOT NULL,
	device BLOB NOT NULL,
	PRIMARY KEY (entry, class)
) STRICT, WITHOUT ROWID;
CREATE INDEX ima_seen_device ON ima_seen (device, at, entry);

-- Runs of entries, shared by all lists that have them, by the SHA-256 over the digests of
-- their entries. ids: differences of the entries' ids (docs/ledger.md); class: of the device
-- that had it last; refs: how many lists name it.
CREATE TABLE ima_segment (
	digest BLOB PRIMARY KEY NOT NULL,
	entries INTEGER NOT NULL,
	bytes INTEGER NOT NULL,
	refs INTEGER NOT NULL,
	class TEXT NOT NULL,
	ids BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX ima_segment_loose ON ima_segment (digest) WHERE refs = 0;

-- The list of a device's boot, segment by segment: id is DEVICE:NUMBER.
CREATE TABLE ima_list (
	id TEXT PRIMARY KEY NOT NULL,
	mac BLOB NOT NULL,
	begun INTEGER NOT NULL,
	first INTEGER NOT NULL,
	entries INTEGER NOT NULL,
	start INTEGER NOT NULL,
	bytes INTEGER NOT NULL,
	segment BLOB NOT NULL REFERENCES ima_segment (digest)
) STRICT, WITHOUT ROWID;
-- What a candidate policy would have done, when it was asked. The results are blobs.
CREATE TABLE replay (
	id INTEGER PRIMARY KEY,
	mac BLOB NOT NULL,
	policy BLOB NOT NULL,
	name TEXT NOT NULL,
	version INTEGER NOT NULL,
	reference BLOB NOT NULL,
	class TEXT NOT NULL,
	device TEXT NOT NULL,
	actor TEXT NOT NULL,
	at INTEGER NOT NULL,
	finished INTEGER NOT NULL,
	judges BLOB NOT NULL,
	total INTEGER NOT NULL,
	unconcerned INTEGER NOT NULL,
	unchanged INTEGER NOT NULL,
	changed INTEGER NOT NULL,
	unknown INTEGER NOT NULL,
	would INTEGER NOT NULL,
	stale INTEGER NOT NULL,
	monitor INTEGER NOT NULL,
	groups BLOB NOT NULL,
	parts BLOB NOT NULL
) STRICT;

-- One row per name of a policy: its newest version on its way through the rings.
CREATE TABLE rollout (
	name TEXT PRIMARY KEY NOT NULL,
	mac BLOB NOT NULL,
	policy BLOB NOT NULL,
	ring TEXT NOT NULL,
	state INTEGER NOT NULL,
	replay INTEGER NOT NULL,
	halt_above INTEGER NOT NULL,
	actor TEXT NOT NULL,
	comment TEXT NOT NULL,
	started INTEGER NOT NULL,
	updated INTEGER NOT NULL,
	why TEXT NOT NULL
) STRICT;

-- Planned changes from one reference set to another, named by the first.
CREATE TABLE plan (
	name TEXT PRIMARY KEY NOT NULL,
	mac BLOB NOT NULL,
	class TEXT NOT NULL,
	a BLOB NOT NULL,
	b BLOB NOT NULL,
	starts INTEGER NOT NULL,
	ends INTEGER NOT NULL,
	active INTEGER NOT NULL,
	actor TEXT NOT NULL,
	comment TEXT NOT NULL,
	created INTEGER NOT NULL
) STRICT;

-- Digests declared bad; one that was taken off the list stays, inactive.
CREATE TABLE known_bad (
	digest TEXT PRIMARY KEY NOT NULL,
	mac BLOB NOT NULL,
	active INTEGER NOT NULL,
	actor TEXT NOT NULL,
	comment TEXT NOT NULL,
	created INTEGER NOT NULL
) STRICT;

-- Which device an address or a certificate is; '' for nobody's any more.
CREATE TABLE address (
	address TEXT PRIMARY KEY NOT NULL,
	mac BLOB NOT NULL,
	device TEXT NOT NULL,
	updated INTEGER NOT NULL,
	attested INTEGER NOT NULL -- 1: by the device's evidence, not by an operator
) STRICT;
CREATE INDEX address_device ON address (device, address);

-- What leaves by itself (webhooks, syslog, the journal): up to which decision it has.
CREATE TABLE outbox (
	name TEXT PRIMARY KEY NOT NULL,
	mac BLOB NOT NULL,
	cursor INTEGER NOT NULL,
	updated INTEGER NOT NULL
) STRICT;

-- Decisions that could not be delivered to a webhook: id is NAME:NUMBER of the decision;
-- again: an operator wants it to be tried once more.
CREATE TABLE dead_letter (
	id TEXT PRIMARY KEY NOT NULL,
	mac BLOB NOT NULL,
	seq INTEGER NOT NULL,
	attempts INTEGER NOT NULL,
	error TEXT NOT NULL,
	at INTEGER NOT NULL,
	again INTEGER NOT NULL
) STRICT;

-- Challenges that left in files. asked: banks and masks as the wire has them; state: 1
-- outstanding, 2 used, 3 revoked.
CREATE TABLE challenge (
	nonce BLOB PRIMARY KEY NOT NULL,
	mac BLOB NOT NULL,
	device TEXT NOT NULL REFERENCES device (id),
	key_name BLOB NOT NULL,
	asked BLOB NOT NULL,
	state INTEGER NOT NULL,
	issued INTEGER NOT NULL,
	expires INTEGER NOT NULL,
	actor TEXT NOT NULL,
	settled INTEGER NOT NULL
) STRICT;
CREATE INDEX challenge_device ON challenge (device, nonce);
CREATE INDEX challenge_expires ON challenge (expires);
