/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/confine_plan.h"

#include "config/config_file.h"
#include "daemon/named_files.h"

#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* ---- collecting ---- */

void confine_plan_add(struct confine_plan_made *made, const char *path, enum confine_access access)
{
    struct confine_path *paths = reallocarray(made->paths, made->count + 1, sizeof(made->paths[0]));

    if (paths == NULL) {
        made->is_short = true;
        return;
    }
    made->paths = paths;
    paths[made->count] = (struct confine_path){ strdup(path), access };
    if (paths[made->count].path != NULL)
        made->count++;
    else
        made->is_short = true;
}

bool confine_plan_is_shared(const char *folder)
{
    static const char *const shared[] = {
        "/",
        "/bin",
        "/boot",
        "/dev",
        "/etc",
        "/etc/ssl",
        "/etc/ssl/certs",
        "/home",
        "/lib",
        "/media",
        "/mnt",
        "/opt",
        "/proc",
        "/etc/ssl/private",
        "/root",
        "/run",
        "/sbin",
        "/srv",
        "/sys",
        "/tmp",
        "/usr",
        "/var",
        "/var/lib",
        "/var/tmp",
        "/usr/local",
        "/usr/share",
        "/usr/local/etc",
        "/dev/shm",
        "/run/user",
        "/var/run",
        "/var/log",
        "/var/spool",
    };
    const char *home = getenv("HOME");

    for (size_t i = 0; i < MQTT_ARRAY_LEN(shared); i++) {
        if (strcmp(folder, shared[i]) == 0)
            return true;
    }
    /* Anybody's home is. */
    return (home != NULL && strcmp(folder, home) == 0)
           || (strncmp(folder, "/home/", 6) == 0 && strchr(folder + 6, '/') == NULL);
}

static bool is_at_or_below(const char *path, const char *top)
{
    size_t len = strlen(top);

    return strcmp(top, "/") == 0
           || (strncmp(path, top, len) == 0 && (path[len] == '\0' || path[len] == '/'));
}

/* Does it have keys in it that are the steward's? */
static bool has_keys(const struct confine_plan_made *made, const char *folder)
{
    static const char *const secret[] = { "ca", "admin" };

    if (made->closed == NULL)
        return false;
    size_t len = strlen(made->closed);
    if (is_at_or_below(made->closed, folder))
        return true;
    for (size_t i = 0; i < MQTT_ARRAY_LEN(secret); i++) {
        if (strncmp(folder, made->closed, len) == 0 && folder[len] == '/'
            && is_at_or_below(folder + len + 1, secret[i]))
            return true;
    }
    return false;
}

/* The folder of what `path` is, links followed up to its last name, or up to its end. */
static void add_folder(struct confine_plan_made *made, const char *path, bool follows)
{
    char folder[PATH_MAX];
    char *target = follows ? realpath(path, NULL) : NULL;
    const char *named = target != NULL ? target : path;
    const char *slash = strrchr(named, '/');
    int len = slash == NULL ? 0 : slash == named ? 1 : (int)(slash - named);
    int used = snprintf(folder, sizeof(folder), "%.*s", len, named);

    free(target);
    if (used >= (int)sizeof(folder))
        return;
    char *real = realpath(len == 0 ? "." : folder, NULL);
    if (real != NULL && !confine_plan_is_shared(real) && !has_keys(made, real))
        confine_plan_add(made, real, CONFINE_READ);
    free(real);
}

static bool is_folder(const char *path)
{
    struct stat status;

    return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

/* What the operator adds by hand is added; that it has the keys in it is told. */
static void look_for_keys(struct confine_plan_made *made, const char *path)
{
    char *real = realpath(path, NULL);

    if (real != NULL && has_keys(made, real))
        made->revealed = path;
    free(real);
}

void confine_plan_add_named(void *context, const char *path, enum confine_access access)
{
    struct confine_plan_made *made = context;

    confine_plan_add(made, path, access);
    if (access != CONFINE_SOCKETS && is_folder(path))
        look_for_keys(made, path);
    if (access != CONFINE_READ || is_folder(path))
        return;
    add_folder(made, path, false);
    add_folder(made, path, true);
}

/* ---- what is needed in any case ---- */

void confine_plan_add_variable(struct confine_plan_made *made, const char *name)
{
    const char *path = getenv(name);

    if (path != NULL && path[0] == '/')
        confine_plan_add(made, path, CONFINE_READ);
}

void confine_plan_add_system(struct confine_plan_made *made)
{
    confine_plan_add(made, "/dev/null", CONFINE_WRITE);
    confine_plan_add(made, "/dev/urandom", CONFINE_READ);
    confine_plan_add(made, "/etc/ssl/openssl.cnf", CONFINE_READ);
    confine_plan_add_variable(made, "OPENSSL_CONF");
}

void confine_plan_add_state(struct confine_plan_made *made, const char *state_dir, const char *name,
                            enum confine_access access)
{
    char path[PATH_MAX];

    if (snprintf(path, sizeof(path), "%s/%s", state_dir, name) < (int)sizeof(path))
        confine_plan_add(made, path, access);
}

/* Landlock grants by folder and takes nothing away again: so one by one, and neither the state folder
 * itself nor ca/ and admin/. The databases and what SQLite keeps beside them are open by now, and stay
 * the same files as long as one process has them. */
static void add_state(struct confine_plan_made *made, const char *state_dir)
{
    static const struct {
        const char *name;
        enum confine_access access;
    } entries[] = {
        { "registry.db", CONFINE_WRITE },     { "registry.db-wal", CONFINE_WRITE },
        { "registry.db-shm", CONFINE_WRITE }, { "activity.db", CONFINE_WRITE },
        { "activity.db-wal", CONFINE_WRITE }, { "activity.db-shm", CONFINE_WRITE },
        { "ratchet.db", CONFINE_WRITE },      { "ratchet.db-wal", CONFINE_WRITE },
        { "ratchet.db-shm", CONFINE_WRITE },  { "store", CONFINE_WRITE },
        { "server", CONFINE_WRITE },          { "crl", CONFINE_WRITE },
        { "audit", CONFINE_WRITE },           { "learning", CONFINE_WRITE },
        { "blocked-keys", CONFINE_READ },     { "trust", CONFINE_READ },
        { "audit-key.pem", CONFINE_READ },    { "tacit.conf", CONFINE_READ },
    };

    for (size_t i = 0; i < MQTT_ARRAY_LEN(entries); i++)
        confine_plan_add_state(made, state_dir, entries[i].name, entries[i].access);
}

int confine_plan_finish(struct confine_plan_made *made)
{
    made->plan.paths = made->paths;
    made->plan.path_count = made->count;
    return made->is_short ? -ENOMEM : 0;
}

int confine_plan_make(const struct config *config, const char *state_dir,
                      struct confine_plan_made *out)
{
    const char *manager = getenv("NOTIFY_SOCKET");

    *out = (struct confine_plan_made){ .plan = { .has_network = true } };
    out->plan.reaches_abstract = manager != NULL && manager[0] == '@';
    out->closed = realpath(state_dir, NULL);
    add_state(out, state_dir);
    confine_plan_add_system(out);
    /* A configuration that is put there is found by the next reload. */
    confine_plan_add_named(out, CONFIG_FILE_SYSTEM, CONFINE_READ);
    named_files_walk(config, confine_plan_add_named, out);
    return confine_plan_finish(out);
}

void confine_plan_fini(struct confine_plan_made *made)
{
    for (size_t i = 0; i < made->count; i++)
        free((char *)(uintptr_t)made->paths[i].path);
    free(made->paths);
    free(made->closed);
    *made = (struct confine_plan_made){ 0 };
}
