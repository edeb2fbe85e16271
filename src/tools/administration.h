/* SPDX-License-Identifier: Apache-2.0 */
/* What an operator has changed, as a record of the audit log: which command, with which names and
 * words, by which user of the machine. Passwords, keys and tokens are not among them. */
#pragma once

#include "tools/identity_options.h"

/* Leaves a record, if the command has done what it is for (`code` is 0), is one of those in
 * administration.def, and the state folder has an audit log, which it has once tacitd ran there.
 * When that fails it is said on standard error: the change itself stands. Returns `code`. */
int administration_note(const struct identity_options *options, int code);
