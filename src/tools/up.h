/* SPDX-License-Identifier: Apache-2.0 */
/* `tacit up`; docs/man/tacit-up.1. argv[0] is "up". Returns the exit code. */
#pragma once

int command_up(int argc, char **argv);
