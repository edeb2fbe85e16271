/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates that come together: the answers of EST (PKCS#7 without a signature), and the file of
 * the authorities that a device trusts. Owner: one thread. */
#pragma once

#include "base/attrs.h"
#include "base/span.h"
#include "pki/certificate.h"
#include "pki/fault.h"

#include <stddef.h>
#include <stdint.h>

#define BUNDLE_MAX 32 /* certificates; more are refused */

struct bundle;

/* From base64 of PKCS#7 in DER. -EBADMSG: it is something else, or holds none, or too many. */
MQTT_NODISCARD int bundle_parse(struct mqtt_span text, struct bundle **out,
                                struct pki_fault *fault);

/* From a file in PEM. */
MQTT_NODISCARD int bundle_load(const char *path, struct bundle **out, struct pki_fault *fault);
void bundle_free(struct bundle *bundle); /* NULL is fine */

size_t bundle_count(const struct bundle *bundle);
const struct certificate *bundle_at(const struct bundle *bundle, size_t index); /* borrowed */

/* The first one, which is the caller's then; there is one as long as nothing was taken. */
MQTT_NODISCARD struct certificate *bundle_take_first(struct bundle *bundle);

/* Drops all but the certificate with that SHA-256 and those that it has signed and that are valid
 * at `now_s`; it comes first then. -ENOENT: it is not among them, and nothing changes. */
MQTT_NODISCARD int bundle_keep_under(struct bundle *bundle, const uint8_t sha256[32],
                                     int64_t now_s);

/* In PEM, written whole or not at all, mode 0600; a file of that name is replaced. */
MQTT_NODISCARD int bundle_save(const struct bundle *bundle, const char *path,
                               struct pki_fault *fault);
