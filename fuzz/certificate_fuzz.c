/* SPDX-License-Identifier: Apache-2.0 */
/* A certificate that anybody may have made, in DER, as both sides of the house read it. Promises
 * asserted: whatever is kept of it is text of printable ASCII that ends, and of its own size, and
 * there once for all who ask; what is put on a screen ends too. */
#include "base/invariant.h"
#include "pki/certificate.h"
#include "tls/certificate.h"

#include <errno.h>
#include <openssl/err.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void check_text(const char *text)
{
    for (; *text != '\0'; text++)
        MQTT_INVARIANT(*text >= ' ' && *text <= '~');
}

static void check_peer(X509 *x509)
{
    static struct tls_peers *peers;
    char label[40];

    if (peers == NULL)
        peers = tls_peers_new();
    MQTT_INVARIANT(peers != NULL && tls_peers_count(peers) == 0);
    const struct tls_peer *peer = tls_peers_get(peers, x509, OBJ_nid2obj(NID_key_usage));
    if (peer == NULL)
        return;
    const struct tls_peer *again = tls_peers_get(peers, x509, OBJ_nid2obj(NID_key_usage));
    MQTT_INVARIANT(again == peer && tls_peers_count(peers) == 1);
    tls_peer_unref(again);
    check_text(peer->common_name);
    check_text(peer->organization);
    check_text(peer->organizational_unit);
    check_text(peer->issuer);
    check_text(peer->serial);
    for (size_t i = 0; i < peer->uri_count; i++)
        check_text(peer->uris[i]);
    MQTT_INVARIANT(peer->extension.len <= TLS_EXTENSION_BYTES);
    MQTT_INVARIANT(tls_peer_is_of(peer, x509));
    tls_certificate_label(x509, label, sizeof(label));
    MQTT_INVARIANT(memchr(label, '\0', sizeof(label)) != NULL);
    tls_peer_unref(peer);
}

static void check_facts(const struct certificate *certificate)
{
    struct certificate_facts facts;
    struct identity_extension extension;
    char names[40];
    int error = certificate_extension_of(certificate, &extension);

    MQTT_INVARIANT(error == 0 || error == -ENOENT || error == -EBADMSG);
    certificate_names(certificate, names, sizeof(names));
    MQTT_INVARIANT(memchr(names, '\0', sizeof(names)) != NULL);
    (void)certificate_is_self_signed(certificate);
    if (certificate_facts_of(certificate, &facts, NULL) != 0)
        return;
    MQTT_INVARIANT(memchr(facts.common_name, '\0', sizeof(facts.common_name)) != NULL);
    MQTT_INVARIANT(memchr(facts.uri, '\0', sizeof(facts.uri)) != NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    const uint8_t *at = data;
    X509 *x509 = d2i_X509(NULL, &at, (long)len);

    if (x509 != NULL) {
        check_peer(x509);
        struct certificate *certificate = certificate_take(x509);
        MQTT_INVARIANT(certificate != NULL);
        check_facts(certificate);
        certificate_free(certificate);
    }
    ERR_clear_error();
    return 0;
}
