/*
 * compiler.h: the compiler process: one job, then it exits.
 *
 * COMPILE payload: be16 kind, then the input. COMPILE_BULK: the input alone, up to 128 MiB,
 * with the kind as the message's id. COMPILED payload: be16 assay_err,
 * then the compiled bytes, or (on an error) text for the operator.
 */
#ifndef VERIFIER_COMPILER_H
#define VERIFIER_COMPILER_H

#include <assay/error.h>

enum compile_kind {
	COMPILE_NONE = 0,
	COMPILE_POLICY,	 /* be16 length and file name, then the YAML */
	COMPILE_CAPTURE, /* be32 PCR mask, be32 length and boot log, be32 length and continuity */
	COMPILE_SOFTWARE, /* u8 for a device alone, then with be32 lengths proof, claims, verdict,
			   * lists of files (each with its length), and sets whose manifests may
			   * be taken over */
	COMPILE_FILES_CHECK,   /* bulk: a digestset; nothing comes back, it is one or not */
	COMPILE_FILES_OF_LIST, /* bulk: an IMA list; a digestset of its files comes back */
	COMPILE_CORIM, /* be64 time, then corim_request_write() in hex, its own time not read */
	COMPILE_EVIDENCE, /* bulk: an evidence file; its nonce comes back, and of proof, claims,
			   * boot log and IMA list each u8 whether it is there, be32 offset,
			   * be32 length. NOT_FOUND: there is no nonce */
	COMPILE_ROOTS,	 /* be16 length and directory, be16 length and CRL directory ("") */
};

int compiler_main(void);

#endif
