/* SPDX-License-Identifier: Apache-2.0 */
#include "core/identifiers.h"

#include <stdlib.h>

struct identifiers *identifiers_ref(struct identifiers *identifiers)
{
    if (identifiers != NULL)
        identifiers->references++;
    return identifiers;
}

void identifiers_unref(struct identifiers *identifiers)
{
    if (identifiers != NULL && --identifiers->references == 0)
        free(identifiers);
}
