/* SPDX-License-Identifier: Apache-2.0 */
/* `tacit grant`; docs/man/tacit-grant.1. argv[0] is "grant". Returns the exit code. */
#pragma once

int command_grant(int argc, char **argv);
