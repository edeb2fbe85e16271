/* SPDX-License-Identifier: Apache-2.0 */
/* `tacit device`; docs/man/tacit-device.1. argv[0] is "device". Returns the exit code. */
#pragma once

int command_device(int argc, char **argv);
