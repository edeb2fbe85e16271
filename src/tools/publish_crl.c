/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/publish_crl.h"

#include "pki/ca.h"
#include "pki/crl.h"
#include "pki/state.h"
#include "tools/identity_options.h"

#include <errno.h>
#include <stdio.h>
#include <time.h>

void publish_crl(const struct identity_options *options, struct registry *registry)
{
    char path[2][STATE_PATH_SIZE];
    struct pki_fault fault = { "the path is too long" };
    struct ca *ca = NULL;
    int error = state_path(options->state, STATE_CA_CERTIFICATE, path[0]);

    if (error == 0)
        error = state_path(options->state, STATE_CA_KEY, path[1]);
    if (error == 0)
        error = ca_open(path[0], path[1], &ca, &fault);
    if (error == -ENOENT)
        return;
    if (error == 0)
        error = crl_publish(options->state, ca, registry, (int64_t)time(NULL), NULL, &fault);
    ca_close(ca);
    if (error < 0)
        (void)fprintf(stderr, "%s: it is done, but no new revocation list was made: %s\n",
                      options->command, fault.text);
}
