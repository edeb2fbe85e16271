/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of activity.db, for the files that hold its tables. */
#pragma once

#include "pki/activity.h"
#include "pki/database.h"

struct activity {
    struct database file;
};
