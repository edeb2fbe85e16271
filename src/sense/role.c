/* SPDX-License-Identifier: Apache-2.0 */
#include "sense/role.h"

#include <string.h>

void sense_role_init(struct sense_role *role)
{
    memset(role, 0, sizeof(*role));
    role->features = SENSE_ALL_FEATURES;
    sense_trees_init(&role->trees);
}

void sense_role_enter(struct sense_role *role, enum sense_phase phase)
{
    if (role->phase <= SENSE_SHAPE && phase > SENSE_SHAPE) {
        for (unsigned i = 0; i < SENSE_TAILS; i++)
            sense_tail_settle(&role->tails[i]);
        sense_rhythm_settle(&role->rhythm);
    }
    role->phase = phase;
}
