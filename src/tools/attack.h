/* SPDX-License-Identifier: Apache-2.0 */
/* `tacit attack`; docs/man/tacit-attack.1. argv[0] is "attack". Returns the exit code. */
#pragma once

int command_attack(int argc, char **argv);
