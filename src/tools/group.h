/* SPDX-License-Identifier: Apache-2.0 */
/* `tacit group`; docs/man/tacit-group.1. argv[0] is "group". Returns the exit code. */
#pragma once

int command_group(int argc, char **argv);
