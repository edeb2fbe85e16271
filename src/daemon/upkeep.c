/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/upkeep.h"

#include "pki/crl.h"
#include "pki/ocsp.h"
#include "pki/state.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define WARN_S 86400 /* before a list goes out of date */

void upkeep_fini(struct upkeep *upkeep)
{
    activity_close(upkeep->activity);
    for (size_t i = 0; i < upkeep->file_count; i++)
        free(upkeep->files[i].path);
    *upkeep = (struct upkeep){ 0 };
}

/* ---- what our CA has to say ---- */

static void say_once(struct upkeep *upkeep, const struct pki_fault *fault)
{
    if (upkeep->is_missing_ca)
        return;
    upkeep->is_missing_ca = true;
    log_say(upkeep->log, CONFIG_LOG_WARNING,
            "the CA cannot sign here: no revocation list is published, and no statement about the "
            "server certificate is stapled, until it can: %s",
            fault->text);
}

static int open_ca(struct upkeep *upkeep, struct ca **out)
{
    struct pki_fault fault = { "out of memory" };
    int error = steward_link_open_ca(upkeep->steward, out, &fault);

    if (error != 0)
        say_once(upkeep, &fault);
    else
        upkeep->is_missing_ca = false;
    return error;
}

static void publish_list(struct upkeep *upkeep, int64_t now_s)
{
    struct pki_fault fault = { "out of memory" };
    struct ca *ca = NULL;
    bool is_good = false;
    bool is_made = false;
    int error = crl_is_current(upkeep->state_dir, upkeep->registry, now_s, &is_good, &fault);

    if (error == 0 && !is_good) {
        if (open_ca(upkeep, &ca) != 0)
            return;
        error = crl_publish(upkeep->state_dir, ca, upkeep->registry, now_s, &is_made, &fault);
        ca_close(ca);
    }
    if (error != 0)
        log_say(upkeep->log, CONFIG_LOG_WARNING, "no new revocation list: %s", fault.text);
    else if (is_made)
        log_say(upkeep->log, CONFIG_LOG_INFO, "a new revocation list is published");
}

struct server_files {
    struct certificate *server;
    struct certificate *authority;
    char ocsp[PATH_MAX];
};

static bool load_files(const struct upkeep *upkeep, struct server_files *out)
{
    char server[PATH_MAX];
    char authority[PATH_MAX];

    *out = (struct server_files){ 0 };
    return state_path(upkeep->state_dir, STATE_OCSP, out->ocsp) == 0
           && state_path(upkeep->state_dir, STATE_SERVER_CERTIFICATE, server) == 0
           && state_path(upkeep->state_dir, STATE_SHOWN_CA, authority) == 0
           && certificate_load(server, &out->server, NULL) == 0
           && certificate_load(authority, &out->authority, NULL) == 0;
}

static bool publish_statement(struct upkeep *upkeep, int64_t now_s)
{
    struct server_files files;
    struct pki_fault fault = { "out of memory" };
    struct ca *ca = NULL;
    bool is_made = false;

    if (load_files(upkeep, &files)
        && !ocsp_is_current(files.ocsp, files.server, files.authority, now_s)
        && open_ca(upkeep, &ca) == 0) {
        is_made = ocsp_write(files.ocsp, files.server, ca, now_s, &fault) == 0;
        if (!is_made)
            log_say(upkeep->log, CONFIG_LOG_WARNING, "%s", fault.text);
        ca_close(ca);
    }
    bool was_good = upkeep->has_statement;
    upkeep->has_statement =
        files.authority != NULL && ocsp_is_good(files.ocsp, files.server, files.authority, now_s);
    certificate_free(files.server);
    certificate_free(files.authority);
    return is_made || (was_good && !upkeep->has_statement);
}

void upkeep_publish(struct upkeep *upkeep, int64_t now_s, bool *out_staples)
{
    *out_staples = false;
    if (upkeep->registry == NULL)
        return;
    publish_list(upkeep, now_s);
    *out_staples = publish_statement(upkeep, now_s);
}

/* ---- lists of others ---- */

static struct upkeep_file *find_file(struct upkeep *upkeep, const char *path)
{
    for (size_t i = 0; i < upkeep->file_count; i++) {
        if (strcmp(upkeep->files[i].path, path) == 0)
            return &upkeep->files[i];
    }
    if (upkeep->file_count == SHARD_LISTENERS_MAX)
        return NULL;
    char *copy = strdup(path);
    if (copy == NULL)
        return NULL;
    upkeep->files[upkeep->file_count] = (struct upkeep_file){ .path = copy };
    return &upkeep->files[upkeep->file_count++];
}

static bool has_changed(struct upkeep_file *file)
{
    struct stat status;
    struct upkeep_file now = { .path = file->path };

    if (stat(file->path, &status) == 0) {
        now.changed_ns = (int64_t)status.st_mtim.tv_sec * 1000000000 + status.st_mtim.tv_nsec;
        now.inode = status.st_ino;
        now.bytes = status.st_size;
    }
    bool is_other =
        now.changed_ns != file->changed_ns || now.inode != file->inode || now.bytes != file->bytes;
    *file = now;
    /* One that is gone is no reason to read it. */
    return is_other && now.changed_ns != 0;
}

bool upkeep_lists_changed(struct upkeep *upkeep, const struct config *config)
{
    bool any = false;

    for (size_t i = 0; i < config->listener_count; i++) {
        const char *path = config->listeners[i].crl;
        struct upkeep_file *file = path != NULL ? find_file(upkeep, path) : NULL;
        if (file != NULL && has_changed(file))
            any = true;
    }
    return any;
}

static const struct config_listener *listener_of(const struct config *config, const char *name)
{
    for (size_t i = 0; i < config->listener_count; i++) {
        if (strcmp(config->listeners[i].name, name) == 0)
            return &config->listeners[i];
    }
    return NULL;
}

static const char *stamp(int64_t when_s, char out[24])
{
    struct tm parts;
    time_t when = (time_t)when_s;

    if (gmtime_r(&when, &parts) == NULL || strftime(out, 24, "%Y-%m-%d %H:%M UTC", &parts) == 0)
        memcpy(out, "?", 2);
    return out;
}

static void warn_one(struct upkeep *upkeep, const struct config_listener *listener, size_t slot,
                     int64_t expires_s, int64_t now_s)
{
    char when[24];

    if (expires_s <= now_s && upkeep->ended_s[slot] != expires_s) {
        upkeep->ended_s[slot] = upkeep->told_s[slot] = expires_s;
        log_say(upkeep->log, CONFIG_LOG_WARNING,
                "listener \"%s\": a revocation list in %s is out of date since %s; %s",
                listener->name, listener->crl, stamp(expires_s, when),
                listener->accepts_stale_crl
                    ? "it still counts (crl-stale = accept)"
                    : "certificates of its authority are refused until a newer one is there");
    } else if (expires_s - now_s <= WARN_S && upkeep->told_s[slot] != expires_s) {
        upkeep->told_s[slot] = expires_s;
        log_say(upkeep->log, CONFIG_LOG_WARNING,
                "listener \"%s\": a revocation list in %s goes out of date at %s; put a newer one "
                "in its place",
                listener->name, listener->crl, stamp(expires_s, when));
    }
}

void upkeep_warn(struct upkeep *upkeep, const struct config *config,
                 const struct endpoints *endpoints, int64_t now_s)
{
    for (size_t i = 0; i < endpoints->count; i++) {
        const struct endpoint *endpoint = &endpoints->all[i];
        const struct config_listener *listener = listener_of(config, endpoint->name);
        if (listener == NULL || listener->crl == NULL || endpoint->tls == NULL)
            continue;
        int64_t expires_s = tls_context_crl_expires_s(endpoint->tls);
        if (expires_s != 0)
            warn_one(upkeep, listener, i, expires_s, now_s);
    }
}

/* ---- who was seen ---- */

static bool open_activity(struct upkeep *upkeep)
{
    char path[PATH_MAX];
    struct pki_fault fault = { "the path is too long" };

    if (upkeep->activity != NULL)
        return true;
    if (state_path(upkeep->state_dir, STATE_ACTIVITY, path) == 0
        && activity_open(path, true, &upkeep->activity, &fault) == 0)
        return true;
    if (!upkeep->is_missing_activity)
        log_say(upkeep->log, CONFIG_LOG_WARNING, "it is not noted who was seen when: %s",
                fault.text);
    upkeep->is_missing_activity = true;
    return false;
}

void upkeep_open(struct upkeep *upkeep)
{
    if (upkeep->registry != NULL)
        (void)open_activity(upkeep);
}

void upkeep_note_canaries(struct upkeep *upkeep, const struct canary_use *uses, size_t count,
                          uint64_t most)
{
    struct pki_fault fault = { "out of memory" };

    if (open_activity(upkeep) && canary_uses_note(upkeep->activity, uses, count, most, &fault) != 0)
        log_say(upkeep->log, CONFIG_LOG_WARNING, "it is not noted what was done with a canary: %s",
                fault.text);
}

void upkeep_note(struct upkeep *upkeep, struct sightings *sightings)
{
    struct activity_seen *seen;
    struct pki_fault fault = { "out of memory" };

    if (sightings == NULL)
        return;
    size_t count = sightings_take(sightings, &seen);
    if (count > 0 && open_activity(upkeep)
        && activity_note(upkeep->activity, seen, count, &fault) != 0)
        log_say(upkeep->log, CONFIG_LOG_WARNING, "it is not noted who was seen when: %s",
                fault.text);
    free(seen);
}
