/* SPDX-License-Identifier: Apache-2.0 */
/* `tacit sense`; docs/man/tacit-sense.1. argv[0] is "sense". Returns the exit code. */
#pragma once

int command_sense(int argc, char **argv);
