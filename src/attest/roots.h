/* SPDX-License-Identifier: Apache-2.0 */
/* Who makes TPMs that we believe in: the authorities that certify endorsement keys. Immutable once
 * made; owner: one thread. */
#pragma once

#include "attest/area.h"

struct attest_roots;

/* Certificates in PEM, roots or what is below them: each one of them is believed. -ENOENT: no such
 * file; -EBADMSG: no certificate in it. */
MQTT_NODISCARD int attest_roots_load(const char *path, struct attest_roots **out);
void attest_roots_free(struct attest_roots *roots); /* NULL is fine */

/* Does the certificate (DER), which is the last of a chain to one of them and good now, certify this
 * very key, and as an endorsement key (extended key usage 2.23.133.8.1), and as no authority? NULL:
 * nobody is believed. */
bool attest_roots_vouch(const struct attest_roots *roots, struct mqtt_span certificate,
                        const struct attest_area *endorsement);
