/* SPDX-License-Identifier: Apache-2.0 */
/* `tacit passwd`: accounts of those who come in by a password. */
#pragma once

int command_passwd(int argc, char **argv);
