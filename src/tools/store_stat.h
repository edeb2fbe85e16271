/* SPDX-License-Identifier: Apache-2.0 */
/* `tacit store stat`: how big the log is, and what lives in it. */
#pragma once

#include "tools/identity_options.h"

int store_stat(const struct identity_options *options); /* returns the exit code */
