/* SPDX-License-Identifier: Apache-2.0 */
/* `tacit audit`; docs/man/tacit-audit.1. argv[0] is "audit". Returns the exit code: 3 when there is
 * something to be found. */
#pragma once

int command_audit(int argc, char **argv);
