/* SPDX-License-Identifier: Apache-2.0 */
/* `tacit passwd`: accounts of those who come in by a password. */
#pragma once

int command_passwd(int argc, char **argv);

struct identity_options;

/* Makes the account operands[0], or gives it another password, as the options say. The exit code. */
int passwd_give(const struct identity_options *options);
