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

static void add(struct confine_plan_made *made, const char *path, enum confine_access access)
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
    if (real != NULL && !confine_plan_is_shared(real))
        add(made, real, CONFINE_READ);
    free(real);
}

static bool is_folder(const char *path)
{
    struct stat status;

    return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

static void on_named(void *context, const char *path, enum confine_access access)
{
    struct confine_plan_made *made = context;

    add(made, path, access);
    if (access != CONFINE_READ || is_folder(path))
        return;
    add_folder(made, path, false);
    add_folder(made, path, true);
}

/* ---- what is needed in any case ---- */

static void add_variable(struct confine_plan_made *made, const char *name)
{
    const char *path = getenv(name);

    if (path != NULL && path[0] == '/')
        add(made, path, CONFINE_READ);
}

static void add_system(struct confine_plan_made *made)
{
    add(made, "/dev/null", CONFINE_WRITE);
    add(made, "/dev/urandom", CONFINE_READ);
    add(made, "/etc/ssl/openssl.cnf", CONFINE_READ);
    add_variable(made, "OPENSSL_CONF");
    add_variable(made, "CREDENTIALS_DIRECTORY");
    /* A configuration that is put there is found by the next reload. */
    on_named(made, CONFIG_FILE_SYSTEM, CONFINE_READ);
}

/* p11-kit and the modules that it finds, with their own settings and tokens. */
static void add_modules(struct confine_plan_made *made)
{
    static const char *const readable[] = {
        "/usr", "/lib", "/lib64", "/etc/ld.so.cache", "/etc/pkcs11", "/etc/opensc", "/etc/softhsm"
    };
    static const char *const writable[] = { "/var/lib/softhsm", "/dev/tpmrm0" };

    for (size_t i = 0; i < MQTT_ARRAY_LEN(readable); i++)
        add(made, readable[i], CONFINE_READ);
    for (size_t i = 0; i < MQTT_ARRAY_LEN(writable); i++)
        add(made, writable[i], CONFINE_WRITE);
    add_variable(made, "SOFTHSM2_CONF");
}

int confine_plan_make(const struct config *config, const char *state_dir,
                      struct confine_plan_made *out)
{
    const char *manager = getenv("NOTIFY_SOCKET");

    *out = (struct confine_plan_made){ .plan = { .loads_modules = config->ca.key != NULL } };
    add(out, state_dir, CONFINE_WRITE);
    add_system(out);
    named_files_walk(config, on_named, out);
    if (config->ca.key != NULL)
        add_modules(out);
    out->plan.reaches_abstract = manager != NULL && manager[0] == '@';
    out->plan.paths = out->paths;
    out->plan.path_count = out->count;
    return out->is_short ? -ENOMEM : 0;
}

void confine_plan_fini(struct confine_plan_made *made)
{
    for (size_t i = 0; i < made->count; i++)
        free((char *)(uintptr_t)made->paths[i].path);
    free(made->paths);
    *made = (struct confine_plan_made){ 0 };
}
