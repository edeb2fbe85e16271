/* SPDX-License-Identifier: Apache-2.0 */
/* `tacit policy`; docs/man/tacit-policy.1. argv[0] is "policy". Returns the exit code. */
#pragma once

int command_policy(int argc, char **argv);
