/* SPDX-License-Identifier: Apache-2.0 */
/* tacit key: which keys nobody may use. */
#pragma once

/* argv[0] is "key"; returns the exit code. */
int command_key(int argc, char **argv);
