/* SPDX-License-Identifier: Apache-2.0 */
/* Tenant and site: "" in the registry and NULL in an identity both stand for none. */
#pragma once

#include <stddef.h>

static inline const char *name_or_none(const char *name)
{
    return name[0] != '\0' ? name : NULL;
}
