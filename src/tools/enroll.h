/* SPDX-License-Identifier: Apache-2.0 */
/* `tacit enroll`; docs/man/tacit-enroll.1. argv[0] is "enroll". Returns the exit code. */
#pragma once

int command_enroll(int argc, char **argv);
