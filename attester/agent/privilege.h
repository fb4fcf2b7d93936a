/*
 * privilege.h: the network-facing process gives up what only the collector needs.
 *
 * With the option `user`, a program that was started by root becomes that user once the
 * collector runs. What is left is the right to read (CAP_DAC_READ_SEARCH), since the boot
 * log and the IMA list are root's, and not even that if neither is sent.
 */
#ifndef AGENT_PRIVILEGE_H
#define AGENT_PRIVILEGE_H

#include "options.h"

/* Makes the state directory, if it is not there, for the user. An exit status; the
 * complaint has been printed. Nothing is done without the option. */
int privilege_drop(const struct options *o);

#endif
