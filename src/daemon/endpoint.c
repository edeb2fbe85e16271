/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/endpoint.h"

#include "base/invariant.h"
#include "pki/identity_extension.h"
#include "pki/ocsp.h"
#include "ratchet/message.h"
#include "vault/vault.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static int explain(int error, char *out_why, const char *name, const char *what)
{
    snprintf(out_why, ENDPOINT_WHY_BYTES, "listener \"%.100s\": %.380s", name, what);
    return error;
}

void endpoint_init(struct endpoints *endpoints, unsigned shard_count)
{
    *endpoints = (struct endpoints){ .shard_count = shard_count };
}

static void close_fds(struct endpoint *endpoint, unsigned count)
{
    for (unsigned i = 0; endpoint->fds != NULL && i < count; i++) {
        if (endpoint->fds[i] >= 0)
            close(endpoint->fds[i]);
    }
    free(endpoint->fds);
    endpoint->fds = NULL;
}

static void remove_socket(const struct endpoint *endpoint)
{
    if (endpoint->path != NULL)
        unlink(endpoint->path);
}

void endpoint_unbind(struct endpoints *endpoints)
{
    for (size_t i = 0; i < endpoints->count; i++) {
        if (endpoints->all[i].fds == NULL)
            continue;
        close_fds(&endpoints->all[i], endpoints->shard_count);
        remove_socket(&endpoints->all[i]);
    }
}

void endpoint_fini(struct endpoints *endpoints)
{
    endpoint_unbind(endpoints);
    for (size_t i = 0; i < endpoints->count; i++) {
        struct endpoint *endpoint = &endpoints->all[i];
        if (endpoint->is_open)
            remove_socket(endpoint);
        tls_context_free(endpoint->tls);
        free(endpoint->name);
        free(endpoint->address);
        free(endpoint->path);
    }
    *endpoints = (struct endpoints){ 0 };
}

void endpoint_describe(const struct config_listener *listener, char *out, size_t size)
{
    if (listener->path != NULL)
        snprintf(out, size, "%s", listener->path);
    else if (listener->address[0] == '\0')
        snprintf(out, size, "every address, port %u", listener->port);
    else
        snprintf(out, size, "%s, port %u", listener->address, listener->port);
}

bool endpoint_needs_identity(const struct config *config)
{
    for (size_t i = 0; i < config->listener_count; i++) {
        const struct config_listener *listener = &config->listeners[i];
        if (config_listener_needs_state(listener) || listener->passwords != CONFIG_PASSWORDS_OFF)
            return true;
    }
    return config->enrolment.is_on;
}

/* ---- binding ---- */

static struct endpoint *find(struct endpoints *endpoints, const char *name)
{
    for (size_t i = 0; i < endpoints->count; i++) {
        if (strcmp(endpoints->all[i].name, name) == 0)
            return &endpoints->all[i];
    }
    return NULL;
}

static struct endpoint *find_or_add(struct endpoints *endpoints, const char *name)
{
    struct endpoint *endpoint = find(endpoints, name);
    if (endpoint != NULL || endpoints->count == SHARD_LISTENERS_MAX)
        return endpoint;
    endpoint = &endpoints->all[endpoints->count];
    *endpoint = (struct endpoint){ .name = strdup(name) };
    if (endpoint->name == NULL)
        return NULL;
    endpoints->count++;
    return endpoint;
}

static bool is_unchanged(const struct endpoint *endpoint, const struct config_listener *listener)
{
    return endpoint->is_open && endpoint->port == listener->port
           && endpoint->is_tls == listener->is_tls
           && config_is_same_text(endpoint->address, listener->address)
           && config_is_same_text(endpoint->path, listener->path);
}

static int explain_bind(int error, const struct config_listener *listener, char *out_why)
{
    char place[160];
    char what[400];

    endpoint_describe(listener, place, sizeof(place));
    switch (error) {
    case -EADDRINUSE:
        snprintf(what, sizeof(what),
                 "%s is in use by another process; stop it, or choose another port (--port)",
                 place);
        break;
    case -EACCES:
        snprintf(what, sizeof(what),
                 "%s may not be used by this user; choose a port from 1024 on, or start "
                 "tacitd with CAP_NET_BIND_SERVICE",
                 place);
        break;
    case -EADDRNOTAVAIL:
        snprintf(what, sizeof(what), "%s is no address of this machine; choose one of its own",
                 place);
        break;
    default:
        snprintf(what, sizeof(what), "%s cannot be listened on: %s", place, strerror(-error));
    }
    return explain(error, out_why, listener->name, what);
}

static int bind_one(struct endpoints *endpoints, const struct config_listener *listener,
                    char *out_why)
{
    struct endpoint *endpoint = find_or_add(endpoints, listener->name);
    if (endpoint == NULL)
        return explain(-ENOMEM, out_why, listener->name,
                       "no memory, or too many listeners in the life of this process; restart");
    if (is_unchanged(endpoint, listener))
        return 0;

    struct listener_options options = {
        .name = endpoint->name,
        .path = listener->path,
        .address = listener->address,
        .port = listener->port,
    };
    int *fds = malloc(endpoints->shard_count * sizeof(fds[0]));
    if (fds == NULL)
        return explain(-ENOMEM, out_why, listener->name, "out of memory");
    int status = listener_bind(&options, endpoints->shard_count, fds);
    if (status != 0) {
        free(fds);
        return explain_bind(status, listener, out_why);
    }
    endpoint->fds = fds;
    return 0;
}

int endpoint_bind(struct endpoints *endpoints, const struct config *config, char *out_why)
{
    for (size_t i = 0; i < config->listener_count; i++) {
        int status = bind_one(endpoints, &config->listeners[i], out_why);
        if (status != 0) {
            endpoint_unbind(endpoints);
            return status;
        }
    }
    return 0;
}

/* ---- TLS ---- */

struct tls_files {
    char certificate[PATH_MAX];
    char key[PATH_MAX];
    char client_ca[PATH_MAX];
    char ocsp[PATH_MAX];
};

static bool is_same_file(const char *a, const char *b)
{
    struct stat one;
    struct stat other;

    return stat(a, &one) == 0 && stat(b, &other) == 0 && one.st_ino == other.st_ino
           && one.st_dev == other.st_dev;
}

static int place_of(const char *named, const char *dir, enum state_file file, char *out)
{
    if (named == NULL)
        return state_path(dir, file, out);
    int len = snprintf(out, PATH_MAX, "%s", named);
    return len < PATH_MAX ? 0 : -ENAMETOOLONG;
}

/* Where the configuration names what is in ca/, its copy is read: tacitd cannot open the folder. */
static int place_of_authority(const char *named, const char *dir, char *out)
{
    static const enum state_file secret[] = { STATE_CA_CERTIFICATE, STATE_ROOT_CERTIFICATE };
    static const enum state_file shown[] = { STATE_SHOWN_CA, STATE_SHOWN_ROOT };
    char path[PATH_MAX];

    for (size_t i = 0; i < MQTT_ARRAY_LEN(secret) && named != NULL && dir[0] != '\0'; i++) {
        if (state_path(dir, secret[i], path) == 0 && is_same_file(named, path))
            return state_path(dir, shown[i], out);
    }
    return place_of(named, dir, STATE_SHOWN_CA, out);
}

/* Has our CA said of the server's certificate that it is good, and is that still so? */
static bool is_statement_good(const char *dir, const struct tls_files *files)
{
    char authority_path[PATH_MAX];
    struct certificate *server = NULL;
    struct certificate *authority = NULL;
    bool is_good = state_path(dir, STATE_SHOWN_CA, authority_path) == 0
                   && certificate_load(files->certificate, &server, NULL) == 0
                   && certificate_load(authority_path, &authority, NULL) == 0
                   && ocsp_is_good(files->ocsp, server, authority, (int64_t)time(NULL));

    certificate_free(server);
    certificate_free(authority);
    return is_good;
}

/* The names of the files, those of the state folder where the configuration is silent. */
static int fill_options(const struct endpoints *endpoints, const struct config_listener *listener,
                        struct tls_files *files, struct tls_options *out)
{
    const char *dir = endpoints->state_dir != NULL ? endpoints->state_dir : "";
    int status = place_of(listener->certificate, dir, STATE_SERVER_CERTIFICATE, files->certificate);

    if (status == 0)
        status = place_of(listener->key, dir, STATE_SERVER_KEY, files->key);
    if (status == 0)
        status = place_of_authority(listener->client_ca, dir, files->client_ca);
    if (status == 0)
        status = state_path(dir, STATE_OCSP, files->ocsp);
    if (status != 0)
        return status;
    bool is_stapled = listener->certificate == NULL && is_statement_good(dir, files);
    static const enum tls_clients clients[] = {
        [CONFIG_CLIENTS_REQUIRED] = TLS_CLIENTS_REQUIRED,
        [CONFIG_CLIENTS_OPTIONAL] = TLS_CLIENTS_OPTIONAL,
        [CONFIG_CLIENTS_NONE] = TLS_CLIENTS_NONE,
    };
    static const enum tls_detach detach[] = {
        [CONFIG_DETACH_OFF] = TLS_DETACH_OFF,
        [CONFIG_DETACH_IDLE] = TLS_DETACH_IDLE,
        [CONFIG_DETACH_ALWAYS] = TLS_DETACH_ALWAYS,
    };
    *out = (struct tls_options){
        .certificate_path = files->certificate,
        .key_path = files->key,
        .client_ca_path = listener->clients == CONFIG_CLIENTS_NONE ? NULL : files->client_ca,
        .crl_path = listener->crl,
        .accepts_stale_crl = listener->accepts_stale_crl,
        .ocsp_response_path = is_stapled ? files->ocsp : NULL,
        .extension_oid = IDENTITY_EXTENSION_OID,
        .protocol = RATCHET_NAME, /* whoever brings one turns it here, or is refused */
        .clients = clients[listener->clients],
        .detach = detach[listener->detach],
        .allow_tls_1_2 = listener->allow_tls_1_2,
        .wipes_plaintext = listener->passwords == CONFIG_PASSWORDS_ON,
        .sessions = 20000,
    };
    return 0;
}

static int explain_tls(int error, const struct config_listener *listener, const char *why,
                       char *out_why)
{
    char what[ENDPOINT_WHY_BYTES];

    if (listener->certificate != NULL)
        snprintf(what, sizeof(what), "%.200s; mend the file, or name another in %.120s:%u", why,
                 listener->file, listener->line);
    else
        snprintf(what, sizeof(what), "%.256s", why);
    return explain(error, out_why, listener->name, what);
}

static int try_one(const struct endpoints *endpoints, const struct config_listener *listener,
                   char *out_why)
{
    struct tls_files files;
    struct tls_options options;
    struct tls_error why = { "a path is too long" };
    struct tls_context *context = NULL;
    int status = fill_options(endpoints, listener, &files, &options);

    if (status == 0)
        status = tls_context_new(&options, &why, &context);
    tls_context_free(context);
    return status == 0 ? 0 : explain_tls(status, listener, why.text, out_why);
}

int endpoint_try_tls(const struct endpoints *endpoints, const struct config *config,
                     bool only_named, char *out_why)
{
    for (size_t i = 0; i < config->listener_count; i++) {
        const struct config_listener *listener = &config->listeners[i];
        bool is_named =
            listener->certificate != NULL
            && (listener->client_ca != NULL || listener->clients == CONFIG_CLIENTS_NONE);
        if (!listener->is_tls || (only_named && !is_named))
            continue;
        int status = try_one(endpoints, listener, out_why);
        if (status != 0)
            return status;
    }
    return 0;
}

static int load_one(struct endpoints *endpoints, const struct config_listener *listener,
                    char *out_why)
{
    struct endpoint *endpoint = find(endpoints, listener->name);
    struct tls_files files;
    struct tls_options options;
    struct tls_error why = { "a path is too long" };

    MQTT_INVARIANT(endpoint != NULL);
    int status = fill_options(endpoints, listener, &files, &options);
    if (status == 0)
        status = endpoint->tls == NULL ? tls_context_new(&options, &why, &endpoint->tls)
                                       : tls_context_reload(endpoint->tls, &options, &why);
    /* What it has of connections comes back in one piece; what has just been read stays. */
    if (status == 0 && listener->detach != CONFIG_DETACH_OFF)
        vault_gather();
    return status == 0 ? 0 : explain_tls(status, listener, why.text, out_why);
}

int endpoint_load_tls(struct endpoints *endpoints, const struct config *config, char *out_why)
{
    for (size_t i = 0; i < config->listener_count; i++) {
        if (!config->listeners[i].is_tls)
            continue;
        int status = load_one(endpoints, &config->listeners[i], out_why);
        if (status != 0)
            return status;
    }
    return 0;
}

/* ---- the shards ---- */

static int remember(struct endpoint *endpoint, const struct config_listener *listener)
{
    char *address = strdup(listener->address);
    char *path = listener->path != NULL ? strdup(listener->path) : NULL;

    if (address == NULL || (path == NULL) != (listener->path == NULL)) {
        free(address);
        free(path);
        return -ENOMEM;
    }
    if (endpoint->is_open && !config_is_same_text(endpoint->path, path))
        remove_socket(endpoint);
    free(endpoint->address);
    free(endpoint->path);
    endpoint->address = address;
    endpoint->path = path;
    endpoint->port = listener->port;
    endpoint->is_tls = listener->is_tls;
    return 0;
}

static int tell_shards(const struct endpoints *endpoints, struct endpoint *endpoint,
                       struct shard *shards)
{
    unsigned slot = (unsigned)(endpoint - endpoints->all);
    struct listener_options options = {
        .name = endpoint->name,
        .port = endpoint->port,
        .tls = endpoint->is_tls ? endpoint->tls : NULL,
    };

    for (unsigned i = 0; i < endpoints->shard_count; i++) {
        int fd = endpoint->fds != NULL ? endpoint->fds[i] : -1;
        int status = shard_post_listener(&shards[i], slot, &options, fd);
        if (status != 0)
            return status;
        if (endpoint->fds != NULL)
            endpoint->fds[i] = -1;
    }
    endpoint->is_open = endpoint->fds != NULL;
    close_fds(endpoint, endpoints->shard_count);
    return 0;
}

static bool is_named_in(const struct config *config, const char *name)
{
    for (size_t i = 0; i < config->listener_count; i++) {
        if (strcmp(config->listeners[i].name, name) == 0)
            return true;
    }
    return false;
}

int endpoint_publish(struct endpoints *endpoints, const struct config *config, struct shard *shards,
                     char *out_why)
{
    int status = 0;

    for (size_t i = 0; i < config->listener_count && status == 0; i++) {
        struct endpoint *endpoint = find(endpoints, config->listeners[i].name);
        MQTT_INVARIANT(endpoint != NULL);
        if (endpoint->fds == NULL)
            continue;
        status = remember(endpoint, &config->listeners[i]);
        if (status == 0)
            status = tell_shards(endpoints, endpoint, shards);
    }
    for (size_t i = 0; i < endpoints->count && status == 0; i++) {
        struct endpoint *endpoint = &endpoints->all[i];
        if (!endpoint->is_open || is_named_in(config, endpoint->name))
            continue;
        status = tell_shards(endpoints, endpoint, shards);
        remove_socket(endpoint);
    }
    return status == 0 ? 0 : explain(status, out_why, "all", "out of memory");
}
