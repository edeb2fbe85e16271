/* SPDX-License-Identifier: Apache-2.0 */
/* `tacit store repair`: a new log of what can be read; what is damaged is put aside. */
#pragma once

#include "tools/identity_options.h"

int store_repair(const struct identity_options *options); /* returns the exit code */
