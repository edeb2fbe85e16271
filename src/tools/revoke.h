/* SPDX-License-Identifier: Apache-2.0 */
/* `tacit revoke` and `tacit unrevoke`; docs/man/tacit-revoke.1. Return the exit code. */
#pragma once

int command_revoke(int argc, char **argv);
int command_unrevoke(int argc, char **argv);
