/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/attack_check.h"
#include "tools/attack_offer.h"

void attack_tls_versions(const struct attack_env *env, struct attack_finding *out)
{
    static const struct {
        enum tacit_probe_version version;
        const char *name;
        enum attack_verdict if_taken;
        const char *ciphers;
    } rows[] = {
        { TACIT_PROBE_TLS_1_0, "TLS 1.0", ATTACK_OPEN, "ALL:!aNULL" },
        { TACIT_PROBE_TLS_1_1, "TLS 1.1", ATTACK_OPEN, "ALL:!aNULL" },
        { TACIT_PROBE_TLS_1_2, "TLS 1.2", ATTACK_SAFE, NULL },
        { TACIT_PROBE_TLS_1_3, "TLS 1.3", ATTACK_SAFE, NULL },
    };

    for (size_t i = 0; i < MQTT_ARRAY_LEN(rows); i++) {
        struct tacit_probe_facts facts = { 0 };
        switch (attack_offer_make(env, rows[i].version, rows[i].ciphers, &facts)) {
        case ATTACK_OFFER_TAKEN:
            attack_check_judge(out, rows[i].if_taken, "%s is taken (%s)", rows[i].name,
                               facts.cipher);
            break;
        case ATTACK_OFFER_REFUSED:
            attack_check_judge(out, ATTACK_SAFE, "%s is refused", rows[i].name);
            break;
        case ATTACK_OFFER_UNKNOWN:
            attack_check_judge(out, ATTACK_UNCLEAR, "%s got no answer", rows[i].name);
            break;
        }
    }
}
