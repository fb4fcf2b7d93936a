/*
 * address.h: what relying parties know a device by, in one written form each: "mac
 * 02:00:5e:00:53:01", "ip 192.0.2.7", "ip 2001:db8::7", "cert HEX". Pure.
 */
#ifndef VERIFIER_ADDRESS_H
#define VERIFIER_ADDRESS_H

#include "verifier/ledger/ledger.h"

/* Text as an operator writes it ("mac", "ip" or "cert", a blank, the value; case,
 * separators of MACs and long forms of addresses do not matter) to the one form. MALFORMED; DENIED:
 * no device has it (multicast, unspecified, loopback, broadcast). */
ASSAY_MUST_USE enum assay_err address_parse(const char *text, char ret[LEDGER_ADDRESS_MAX + 1]);

#endif
