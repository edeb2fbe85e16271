/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/attack_check.h"
#include "tools/attack_offer.h"

void attack_tls_ciphers(const struct attack_env *env, struct attack_finding *out)
{
    static const struct {
        const char *name, *ciphers;
    } rows[] = {
        { "no encryption or no authentication", "eNULL:aNULL" },
        { "no forward secrecy", "kRSA:!eNULL" },
        { "forward secrecy, but no authenticated encryption",
          "kECDHE:kDHE:!aNULL:!eNULL:!AESGCM:!AESCCM:!CHACHA20:!ARIAGCM" },
    };

    for (size_t i = 0; i < MQTT_ARRAY_LEN(rows); i++) {
        struct tacit_probe_facts facts = { 0 };
        switch (attack_offer_make(env, TACIT_PROBE_TLS_1_2, rows[i].ciphers, &facts)) {
        case ATTACK_OFFER_TAKEN:
            attack_check_judge(out, ATTACK_OPEN, "%s: %s is taken", rows[i].name, facts.cipher);
            break;
        case ATTACK_OFFER_REFUSED:
            attack_check_judge(out, ATTACK_SAFE, "%s: refused", rows[i].name);
            break;
        case ATTACK_OFFER_UNKNOWN:
            attack_check_judge(out, ATTACK_UNCLEAR, "%s: no answer", rows[i].name);
            break;
        }
    }
}
