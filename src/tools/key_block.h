/* SPDX-License-Identifier: Apache-2.0 */
/* tacit key block, unblock, import and list. They return the exit code. */
#pragma once

#include "tools/identity_options.h"

int key_block(const struct identity_options *options);
int key_block_undo(const struct identity_options *options);
int key_block_import(const struct identity_options *options);
int key_block_list(const struct identity_options *options);
