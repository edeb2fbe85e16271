/* SPDX-License-Identifier: Apache-2.0 */
/* `tacit ca`; docs/man/tacit-ca.1. argv[0] is "ca". Returns the exit code. */
#pragma once

int command_ca(int argc, char **argv);
