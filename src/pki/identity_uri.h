/* SPDX-License-Identifier: Apache-2.0 */
/* The name of a thing as it stands in its certificate, in SPIFFE-compatible form:
 *
 *     spiffe://TRUST-DOMAIN/KIND/NAME      spiffe://3f9c….tacit/device/lamp
 *
 * TRUST-DOMAIN is made with the CA and names it; KIND is device, admin or service; NAME is
 * what the registry knows. A certificate speaks for the thing whose URI it carries, whatever
 * its subject says. Pure functions. */
#pragma once

#include "base/attrs.h"
#include "base/span.h"

#include <stdbool.h>
#include <stddef.h>

#define IDENTITY_URI_NAME_SIZE   65  /* longest name and NUL; a common name holds 64 */
#define IDENTITY_URI_DOMAIN_SIZE 129 /* longest trust domain and NUL */
#define IDENTITY_URI_SIZE        224 /* longest URI and NUL */

enum identity_kind {
    IDENTITY_DEVICE,
    IDENTITY_SERVICE,
    IDENTITY_ADMIN,
    IDENTITY_KIND_COUNT,
};

struct identity_uri {
    char trust_domain[IDENTITY_URI_DOMAIN_SIZE];
    enum identity_kind kind;
    char name[IDENTITY_URI_NAME_SIZE];
};

/* 1..64 of letters, digits, '.', '_' and '-', the first one a letter or a digit: what may be
 * a SPIFFE path segment, a file name, a topic level and a client id. NULL may not. Every such
 * name also is valid for policy/identity.h. */
bool identity_uri_name_is_valid(const char *name);

/* 1..128 of lower-case letters, digits, '.', '_' and '-', the first a letter or a digit. */
bool identity_uri_domain_is_valid(const char *domain);

/* Writes the URI and NUL to `out` of IDENTITY_URI_SIZE bytes. -EINVAL: a part is invalid. */
MQTT_NODISCARD int identity_uri_format(const struct identity_uri *uri, char *out);

/* Accepts exactly what identity_uri_format() writes; -EINVAL for everything else. */
MQTT_NODISCARD int identity_uri_parse(struct mqtt_span text, struct identity_uri *out);

/* "device", "service", "admin". */
const char *identity_uri_kind_text(enum identity_kind kind);
MQTT_NODISCARD int identity_uri_kind_parse(const char *text, enum identity_kind *out);
