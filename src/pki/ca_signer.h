/* SPDX-License-Identifier: Apache-2.0 */
/* Who signs for a CA whose key is not in this process: the steward, for tacitd. It is asked for
 * things, never for a signature: what a certificate, a list or a statement says besides what stands
 * here is up to it. `by` is the certificate of the CA that is to sign.
 *
 * Functions return 0, or a negative errno with the reason in *fault. They are called by the threads that use the CA, also at once. */
#pragma once

#include "base/attrs.h"
#include "pki/der.h"
#include "pki/fault.h"

struct ca_identity_request;
struct certificate;
struct crl_entries;

struct ca_signer {
    void *context;
    /* A certificate for the key of a request; valid from when the signer says that it is now. */
    int (*issue)(void *context, const struct certificate *by,
                 const struct ca_identity_request *request, struct certificate **out,
                 struct pki_fault *fault);
    /* A revocation list. */
    int (*list)(void *context, const struct certificate *by, const struct crl_entries *entries,
                struct der *out, struct pki_fault *fault);
    /* An OCSP response that the certificate of our server is good. */
    int (*vouch)(void *context, const struct certificate *by, const struct certificate *server,
                 struct der *out, struct pki_fault *fault);
};
