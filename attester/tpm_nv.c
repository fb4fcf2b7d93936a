/* tpm_nv.c: what the TPM lists and stores, see tpm.h. */
#include "tpm.h"

#include "evidence/der.h"

#include <string.h>

/* TCG EK Credential Profile 2.6, 2.2.1.3: certificates between EK and root. */
#define NV_CHAIN_FIRST 0x01C00100u
#define NV_CHAIN_LAST 0x01C001FFu
#define NV_CHUNK 512 /* every TPM reads as much at once */

bool
tpm_lists(const struct tpm_handles *l, TPM2_HANDLE h)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->h[i] == h)
			return true;
	return false;
}

enum assay_err
tpm_list(struct assay_tpm *t, TPM2_HANDLE first, TPM2_HANDLE last, struct tpm_handles *ret)
{
	TPMI_YES_NO more = TPM2_YES;
	enum assay_err e;

	ret->n = 0;
	while (more == TPM2_YES && first <= last) {
		TPMS_CAPABILITY_DATA *data = NULL;
		const TPML_HANDLE *got;

		e = tpm_rc(t, "TPM2_GetCapability",
			   Esys_GetCapability(t->esys, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
					      TPM2_CAP_HANDLES, first, TPM_HANDLES_MAX, &more,
					      &data));
		if (e != ASSAY_OK)
			return e;
		got = &data->data.handles;
		if (got->count == 0)
			more = TPM2_NO;
		for (UINT32 i = 0; i < got->count && i < TPM2_MAX_CAP_HANDLES; i++) {
			if (got->handle[i] > last || ret->n == TPM_HANDLES_MAX) {
				more = TPM2_NO;
				break;
			}
			ret->h[ret->n++] = got->handle[i];
			first = got->handle[i] + 1;
		}
		Esys_Free(data);
	}
	return ASSAY_OK;
}

/* Size of an index, and who may read it: the index itself, or else the owner. */
static enum assay_err
nv_describe(struct assay_tpm *t, ESYS_TR index, size_t *ret_size, ESYS_TR *ret_auth)
{
	TPM2B_NV_PUBLIC *public = NULL;
	enum assay_err e;

	e = tpm_rc(t, "TPM2_NV_ReadPublic",
		   Esys_NV_ReadPublic(t->esys, index, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
				      &public, NULL));
	if (e != ASSAY_OK)
		return e;
	*ret_size = public->nvPublic.dataSize;
	*ret_auth = public->nvPublic.attributes & TPMA_NV_AUTHREAD ? index : ESYS_TR_RH_OWNER;
	Esys_Free(public);
	return ASSAY_OK;
}

static enum assay_err
nv_read_all(struct assay_tpm *t, ESYS_TR index, uint8_t *ret, size_t cap, size_t *ret_len)
{
	size_t size = 0, at = 0;
	ESYS_TR auth = ESYS_TR_NONE;
	enum assay_err e = nv_describe(t, index, &size, &auth);

	if (e == ASSAY_OK && size > cap)
		e = tpm_fail(t, ASSAY_TOO_LARGE, "an NV index is larger than a certificate may be");
	while (e == ASSAY_OK && at < size) {
		TPM2B_MAX_NV_BUFFER *data = NULL;
		UINT16 n = (UINT16)(size - at < NV_CHUNK ? size - at : NV_CHUNK);

		e = tpm_rc(t, "TPM2_NV_Read",
			   Esys_NV_Read(t->esys, auth, index, ESYS_TR_PASSWORD, ESYS_TR_NONE,
					ESYS_TR_NONE, n, (UINT16)at, &data));
		if (e != ASSAY_OK)
			break;
		if (data->size != n)
			e = tpm_fail(t, ASSAY_IO, "TPM2_NV_Read: less than was asked for");
		else
			memcpy(ret + at, data->buffer, n);
		at += n;
		Esys_Free(data);
	}
	if (e == ASSAY_OK)
		*ret_len = size;
	return e;
}

enum assay_err
tpm_nv_read(struct assay_tpm *t, TPM2_HANDLE index, uint8_t *ret, size_t cap, size_t *ret_len)
{
	struct tpm_object nv = TPM_NO_OBJECT;
	enum assay_err e;

	e = tpm_rc(t, "TPM2_NV_ReadPublic",
		   Esys_TR_FromTPMPublic(t->esys, index, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
					 &nv.tr));
	if (e == ASSAY_OK)
		e = nv_read_all(t, nv.tr, ret, cap, ret_len);
	tpm_release(t, &nv);
	return e;
}

void
tpm_read_lockout(struct assay_tpm *t)
{
	TPMS_CAPABILITY_DATA *data = NULL;
	const TPML_TAGGED_TPM_PROPERTY *p;
	TPMI_YES_NO more = TPM2_NO;

	t->has_lockout = false;
	if (Esys_GetCapability(t->esys, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
			       TPM2_CAP_TPM_PROPERTIES, TPM2_PT_LOCKOUT_COUNTER, 1, &more,
			       &data) != TSS2_RC_SUCCESS)
		return;
	p = &data->data.tpmProperties;
	if (p->count == 1 && p->tpmProperty[0].property == TPM2_PT_LOCKOUT_COUNTER) {
		t->lockout = p->tpmProperty[0].value;
		t->has_lockout = true;
	}
	Esys_Free(data);
}

enum assay_err
tpm_read_banks(struct assay_tpm *t)
{
	TPMS_CAPABILITY_DATA *data = NULL;
	const TPML_PCR_SELECTION *pcrs;
	TPMI_YES_NO more = TPM2_NO; /* all banks come at once */
	enum assay_err e;

	e = tpm_rc(t, "TPM2_GetCapability",
		   Esys_GetCapability(t->esys, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
				      TPM2_CAP_PCRS, 0, 1, &more, &data));
	if (e != ASSAY_OK)
		return e;
	pcrs = &data->data.assignedPCR;
	t->bank_count = 0;
	for (UINT32 i = 0; i < pcrs->count && i < TPM2_NUM_PCR_BANKS; i++) {
		const TPMS_PCR_SELECTION *s = &pcrs->pcrSelections[i];
		uint8_t any = 0;

		for (UINT8 k = 0; k < s->sizeofSelect && k < TPM2_PCR_SELECT_MAX; k++)
			any |= s->pcrSelect[k];
		if (any != 0 && t->bank_count < ASSAY_BANKS_MAX)
			t->banks[t->bank_count++] = s->hash;
	}
	Esys_Free(data);
	return ASSAY_OK;
}

/* NV indices are often longer than what is in them: the first DER element counts.
 * An index that does not start with one is given as it is, for the verifier to
 * judge, unless nothing was ever written to it. */
static size_t
certificate_length(const uint8_t *p, size_t n)
{
	struct reader r;
	struct span whole = {NULL, 0};
	uint8_t tag = 0;
	bool blank = true;

	rd_init(&r, SPAN(p, n));
	(void)der_any(&r, &tag, &whole);
	if (r.err == ASSAY_OK && tag == DER_SEQUENCE)
		return whole.n;
	for (size_t i = 1; i < n; i++)
		blank = blank && p[i] == p[0];
	return blank ? 0 : n;
}

/* Whether reading by the index's password would be no attempt that counts towards lockout. */
static bool
nv_is_free(struct assay_tpm *t, TPM2_HANDLE index)
{
	struct tpm_object nv = TPM_NO_OBJECT;
	TPM2B_NV_PUBLIC *public = NULL;
	bool is_free = false;

	if (Esys_TR_FromTPMPublic(t->esys, index, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
				  &nv.tr) == TSS2_RC_SUCCESS &&
	    Esys_NV_ReadPublic(t->esys, nv.tr, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &public,
			       NULL) == TSS2_RC_SUCCESS) {
		TPMA_NV a = public->nvPublic.attributes;

		is_free = (a & TPMA_NV_WRITTEN) && ((a & TPMA_NV_NO_DA) || !(a & TPMA_NV_AUTHREAD));
	}
	Esys_Free(public);
	tpm_release(t, &nv);
	return is_free;
}

/* As many as there are and fit; a chain helps, and none is no error. Nor is an index that was
 * never written, or that its owner lets nobody read. */
static enum assay_err
read_chain(struct assay_tpm *t)
{
	struct tpm_handles l;
	enum assay_err e = tpm_list(t, NV_CHAIN_FIRST, NV_CHAIN_LAST, &l);

	t->chain_count = 0;
	t->chain_len = 0;
	for (size_t i = 0; i < l.n && e == ASSAY_OK && t->chain_count < ASSAY_CHAIN_MAX; i++) {
		uint8_t *at = t->chain_bytes + t->chain_len;
		size_t room = sizeof t->chain_bytes - t->chain_len, n = 0;

		if (!nv_is_free(t, l.h[i]))
			continue;
		if (room > TPM_CERT_BYTES_MAX)
			room = TPM_CERT_BYTES_MAX;
		e = tpm_nv_read(t, l.h[i], at, room, &n);
		if (e == ASSAY_TOO_LARGE)
			return ASSAY_OK;
		if (e == ASSAY_BUSY || e == ASSAY_UNREACHABLE || e == ASSAY_STATE)
			break;
		n = e == ASSAY_OK ? certificate_length(at, n) : 0;
		e = ASSAY_OK;
		if (n == 0)
			continue;
		t->chain[t->chain_count++] = (struct assay_bytes){at, n};
		t->chain_len += n;
	}
	return e;
}

enum assay_err
tpm_read_certificates(struct assay_tpm *t, TPM2_HANDLE index)
{
	size_t n = 0;
	enum assay_err e = tpm_nv_read(t, index, t->cert, sizeof t->cert, &n);

	if (e != ASSAY_OK)
		return e;
	t->cert_len = certificate_length(t->cert, n);
	return read_chain(t);
}
