/* SPDX-License-Identifier: Apache-2.0 */
/* `tacit canary`: credentials and topics that nobody uses, and who did all the same. */
#pragma once

int command_canary(int argc, char **argv);
