/*
 * bridge.h: the chains of a gate on a bridge: devices behind its ports, the rest of the
 * network behind others. Pure.
 *
 * Every frame from a device's port is judged before the bridge learns from it, every frame
 * to one before it is sent. No state is kept: there is none to be left over when a device
 * is out, and no kernel has to have connection tracking for bridges.
 */
#ifndef GATE_BRIDGE_H
#define GATE_BRIDGE_H

#include "rules.h"

/* All chains, after the sets of rules.h. */
void bridge_chains(const struct gate_config *c, struct text *out);

#endif
