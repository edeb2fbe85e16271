/* SPDX-License-Identifier: Apache-2.0 */
/* `tacit keys tpm`: which TPM this machine has. */
#pragma once

struct identity_options;

int keys_tpm(const struct identity_options *options);
