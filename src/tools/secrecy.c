/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/secrecy.h"

#include <sys/prctl.h>

void secrecy_begin(void)
{
    (void)prctl(PR_SET_DUMPABLE, 0);
}
