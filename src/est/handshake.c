/* SPDX-License-Identifier: Apache-2.0 */
/* What is seen of a connection before its request: contract in state.h. */
#include "est/state.h"
#include "pki/canaries.h"

#include <arpa/inet.h>
#include <event2/bufferevent.h>
#include <openssl/ssl.h>
#include <string.h>
#include <sys/socket.h>

/* As a request has it: an IPv4 address is shown as one, also where one socket serves both. */
static const char *address_of(const struct est_connection *connection, char *out, socklen_t size)
{
    struct sockaddr_storage place = { .ss_family = AF_UNSPEC };
    socklen_t len = sizeof(place);
    const char *text = NULL;

    if (getpeername(bufferevent_getfd(connection->stream), (struct sockaddr *)&place, &len) != 0)
        return NULL;
    if (place.ss_family == AF_INET)
        text = inet_ntop(AF_INET, &((const struct sockaddr_in *)&place)->sin_addr, out, size);
    else if (place.ss_family == AF_INET6)
        text = inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)&place)->sin6_addr, out, size);
    return text != NULL ? est_plain_address(text) : NULL;
}

const char *est_plain_address(const char *address)
{
    static const char mapped[] = "::ffff:";
    size_t len = sizeof(mapped) - 1;

    return strncmp(address, mapped, len) == 0 && strchr(address, '.') != NULL ? address + len
                                                                              : address;
}

bool est_is_canary(struct est *est, const char *name)
{
    struct canary canary;

    return name[0] != '\0' && canaries_find(est->registry, name, &canary, NULL) == 0
           && canary.kind != CANARY_TOPIC;
}

/* Who has the key of a canary is told of at once, whatever is asked for, if anything is. */
static void on_done(struct est *est, struct est_connection *connection, SSL *ssl)
{
    char room[INET6_ADDRSTRLEN];
    struct est_peer peer;

    tls_agreed_settle(&connection->agreed, ssl);
    est_trust_judge(est->trust, &est->options, ssl, connection->verify_error, &peer);
    if (peer.kind != EST_PEER_OURS || !est_is_canary(est, peer.uri.name))
        return;
    const char *address = address_of(connection, room, sizeof(room));
    est->options.report(est->options.context, &(struct est_report){
                                                  .operation = "",
                                                  .name = peer.uri.name,
                                                  .address = address != NULL ? address : "",
                                                  .reason = "",
                                                  .canary = peer.uri.name,
                                                  .tls = &connection->agreed,
                                              });
}

void est_handshake_on_step(const SSL *ssl, int where, int value)
{
    struct est *est = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
    struct est_connection *connection = SSL_get_ex_data(ssl, est->index);

    (void)value;
    /* OpenSSL lends what it owns, and only looks constant. */
    if (connection != NULL && (where & SSL_CB_HANDSHAKE_DONE) != 0)
        on_done(est, connection, (SSL *)(uintptr_t)ssl);
}
