/* SPDX-License-Identifier: Apache-2.0 */
/* `tacit passwd --import FILE`: accounts from a password file of mosquitto. */
#pragma once

struct identity_options;

/* Adds what can be added, says FILE:LINE and why of what cannot. Returns the exit code. */
int passwd_import(const struct identity_options *options);
