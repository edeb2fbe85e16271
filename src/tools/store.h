/* SPDX-License-Identifier: Apache-2.0 */
/* `tacit store`; docs/man/tacit-store.1. argv[0] is "store". Returns the exit code. */
#pragma once

int command_store(int argc, char **argv);
