/* SPDX-License-Identifier: Apache-2.0 */
/* `tacit keys`; docs/man/tacit-keys.1. argv[0] is "keys". Returns the exit code. */
#pragma once

int command_keys(int argc, char **argv);
