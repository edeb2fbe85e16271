/* SPDX-License-Identifier: Apache-2.0 */
#include "confine/build.h"

bool confine_build_is_instrumented(void)
{
    return false;
}
