/* SPDX-License-Identifier: Apache-2.0 */
/* `tacit ca crl`: the revocation list. Returns the exit code. */
#pragma once

struct identity_options;

int ca_crl(const struct identity_options *options);
