/* SPDX-License-Identifier: Apache-2.0 */
/* Is a key where it is said to be? Facts in, verdict out (docs/adr/0020): a claim, what the broker
 * asked, and what came back. Pure functions, but for the time that a certificate is good.
 *
 * What is proved: the endorsement key is one that we believe in; its TPM has the witness (only it could
 * open the credential, and it does so only for an object of that name); the witness, which signs
 * nothing that was brought to it, says that the key is in the same TPM, now; and that key was made
 * there, cannot leave, and is the one of the certificate. */
#pragma once

#include "attest/message.h"
#include "attest/roots.h"

enum attest_verdict {
#define ATTEST_VERDICT(name, text) ATTEST_##name,
#include "attest/verdicts.def"
#undef ATTEST_VERDICT
    ATTEST_VERDICT_COUNT,
};
const char *attest_verdict_text(enum attest_verdict verdict); /* static: a clause */

/* By what an endorsement key is believed in. */
enum attest_voucher {
    ATTEST_BY_NOBODY = 0,
    ATTEST_BY_CERTIFICATE, /* of its manufacturer */
    ATTEST_BY_LIST,        /* the operator named it */
};
const char *attest_voucher_text(enum attest_voucher voucher); /* "", "ek-certificate", "ek-list" */

/* What the broker knows before it asks. */
struct attest_expectation {
    const uint8_t *key_sha256; /* of the certificate's key, ATTEST_HASH_BYTES as the next */
    const uint8_t
        *endorsement; /* that the operator named for this device; NULL: none. Then no other
                                   will do, whoever certified it */
    const struct attest_roots *roots; /* NULL: none */
};

/* What it keeps while it waits: small, and nothing borrowed. */
struct attest_pending {
    uint8_t secret[ATTEST_SECRET_BYTES];
    uint8_t nonce[ATTEST_NONCE_BYTES];
    uint8_t key_name[ATTEST_NAME_BYTES];
    uint8_t endorsement[ATTEST_HASH_BYTES];
    enum attest_voucher voucher;
    uint8_t witness[ATTEST_AREA_MAX_BYTES];
    size_t witness_len;
};

/* Of a claim: ATTEST_PROVED if a challenge may be made, which then stands in *out_challenge of
 * ATTEST_MESSAGE_MAX_BYTES bytes, and what to wait with in *out. */
MQTT_NODISCARD enum attest_verdict attest_judge_claim(struct mqtt_span claim,
                                                      const struct attest_expectation *expected,
                                                      struct attest_pending *out,
                                                      uint8_t *out_challenge, size_t *out_len);

/* Of the answer to it. */
MQTT_NODISCARD enum attest_verdict attest_judge_answer(struct mqtt_span answer,
                                                       const struct attest_pending *pending);
