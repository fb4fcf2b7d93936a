/*
 * client_where.h: where the verifier is and who asks, from options, environment and a
 * profile file; inside client.h's modules. What is said nearer wins, each as a whole: the
 * address (server, socket or state), the credential (token_file, certificate and key), ca.
 *
 * A profile is a text file of `key: value' lines and # comments: --profile NAME or
 * $ASSAY_PROFILE is NAME.profile in $XDG_CONFIG_HOME/assay or ~/.config/assay, or a path if
 * there is a / in it; without either it is `default', if there is that file. Relative paths
 * in it count from its folder.
 */
#ifndef CLI_CLIENT_WHERE_H
#define CLI_CLIENT_WHERE_H

#include "client.h"

#define PROFILE_FILE_MAX 8192

/* DIR/run/console.sock. */
void client_use_state(struct client *c, const char *dir);
/* What the options left out. An exit status; everything is said. */
int client_find_verifier(struct client *c);

#endif
