/* SPDX-License-Identifier: Apache-2.0 */
/* `tacit doctor`; docs/man/tacit-doctor.1. argv[0] is "doctor". Returns the exit code. */
#pragma once

int command_doctor(int argc, char **argv);
