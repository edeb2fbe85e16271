/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/publish_crl.h"

#include "pki/ca.h"
#include "pki/crl.h"
#include "pki/state_ca.h"
#include "tools/identity_options.h"
#include "tools/signing.h"

#include <errno.h>
#include <stdio.h>
#include <time.h>

void publish_crl(const struct identity_options *options, struct registry *registry)
{
    struct pki_fault fault = { "out of memory" };
    struct signing signing;
    struct ca *ca = NULL;

    signing_open(options, &signing);
    /* The change is made: nobody is asked for a passphrase for what the broker does anyway. */
    signing.access.ask = NULL;
    int error = state_ca_open(options->state, &signing.access, &ca, &fault);
    signing_close(&signing);
    if (error == -ENOENT || error == -ENOKEY)
        return;
    if (error == 0)
        error = crl_publish(options->state, ca, registry, (int64_t)time(NULL), NULL, &fault);
    ca_close(ca);
    if (error < 0)
        (void)fprintf(stderr, "%s: it is done, but no new revocation list was made: %s\n",
                      options->command, fault.text);
}
