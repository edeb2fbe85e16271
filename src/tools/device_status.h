/* SPDX-License-Identifier: Apache-2.0 */
/* `tacit device suspend`, `resume`, `retire`, `revoke` and `rename`, and `tacit revoke`. Return the
 * exit code. */
#pragma once

struct identity_options;

int device_status_suspend(const struct identity_options *options);
int device_status_resume(const struct identity_options *options);
int device_status_retire(const struct identity_options *options);
int device_status_revoke(const struct identity_options *options);
int device_status_rename(const struct identity_options *options);
