/* SPDX-License-Identifier: Apache-2.0 */
/* tacit device release: an identity that is held because of a clone may go on. */
#pragma once

struct identity_options;

/* Returns the exit code. */
int device_release(const struct identity_options *options);
