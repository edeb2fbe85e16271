/* SPDX-License-Identifier: Apache-2.0 */
/* The daily commands. argv[0] is the command's name; each returns an exit code. */
#pragma once

int command_pub(int argc, char **argv);
int command_sub(int argc, char **argv);
int command_request(int argc, char **argv);
int command_bench(int argc, char **argv);
