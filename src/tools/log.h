/* SPDX-License-Identifier: Apache-2.0 */
/* `tacit log`: the audit log. */
#pragma once

int command_log(int argc, char **argv); /* returns the exit code */
