/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/demo_broker.h"

#include "tools/neighbour.h"

#include <tacit/posix.h>

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define TRIES      5u
#define READY_MS   20000u
#define END_MS     20000u
#define STEP_MS    20
#define WORDS_MAX  16u
#define FOLDERS    16 /* open at a time while the folder is removed */
#define PORT_FIRST 20000u
#define PORT_COUNT 12000u /* below those that the kernel gives to clients */
#define LISTENING  "listener \"mqtts\""
#define PATH_BYTES 4096u

static int fail(struct demo_broker *broker, const char *what)
{
    (void)snprintf(broker->why, sizeof(broker->why), "%.180s: %.60s", what, strerror(errno));
    return -1;
}

static void pause_ms(int ms)
{
    (void)poll(NULL, 0, ms);
}

/* ---- the folder ---- */

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *where)
{
    (void)status;
    (void)kind;
    (void)where;
    return remove(path);
}

static int make_folder(struct demo_broker *broker)
{
    const char *where = getenv("TMPDIR");
    char made[DEMO_FOLDER_BYTES];
    int len = snprintf(made, sizeof(made), "%s/tacit-demo-XXXXXX", where != NULL ? where : "/tmp");

    errno = ENAMETOOLONG;
    if (len < 0 || (size_t)len >= sizeof(made) || mkdtemp(made) == NULL)
        return fail(broker, "a temporary folder");
    (void)snprintf(broker->folder, sizeof(broker->folder), "%s", made);
    (void)snprintf(broker->state, sizeof(broker->state), "%s/state", made);
    (void)snprintf(broker->log_path, sizeof(broker->log_path), "%s/log", made);
    if (mkdir(broker->state, S_IRWXU) != 0)
        return fail(broker, broker->state);
    if (setenv("HOME", made, 1) != 0 || setenv("XDG_CONFIG_HOME", made, 1) != 0)
        return fail(broker, "HOME");
    return 0;
}

static int write_configuration(struct demo_broker *broker, const char *configuration)
{
    char path[sizeof(broker->state) + 16];
    uint32_t random = 0;

    (void)tacit_posix_random(NULL, &random, sizeof(random));
    broker->port = (uint16_t)(PORT_FIRST + random % PORT_COUNT);
    (void)snprintf(path, sizeof(path), "%s/tacit.conf", broker->state);
    FILE *file = fopen(path, "we");
    if (file == NULL)
        return fail(broker, path);
    (void)fprintf(file, "%s\nlistener \"mqtts\" { address = \"127.0.0.1\" port = %u }\n",
                  configuration, broker->port);
    return fclose(file) == 0 ? 0 : fail(broker, path);
}

/* ---- processes ---- */

/* In the child: `output` is where all goes that is said. */
static void become(const char *program, const char *const *words, int output)
{
    char *arguments[WORDS_MAX];
    size_t count = 0;
    sigset_t none;

    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    (void)prctl(PR_SET_PDEATHSIG, SIGTERM);
    (void)dup2(output, STDOUT_FILENO);
    (void)dup2(output, STDERR_FILENO);
    for (; count < WORDS_MAX - 1 && words[count] != NULL; count++)
        arguments[count] = strdup(words[count]);
    arguments[count] = NULL;
    (void)execv(program, arguments);
    _exit(127);
}

/* The child, or -1. */
static pid_t run(const char *program, const char *const *words, int output)
{
    (void)fflush(NULL);
    pid_t child = fork();
    if (child == 0)
        become(program, words, output);
    return child;
}

/* Its number is forgotten with it: the system may give it to another process. */
static bool has_ended(struct demo_broker *broker)
{
    if (broker->child > 0 && waitpid(broker->child, NULL, WNOHANG) != 0)
        broker->child = 0;
    return broker->child <= 0;
}

static int start(struct demo_broker *broker)
{
    char program[PATH_BYTES];
    const char *const words[] = {
        "tacitd", "--state", broker->state, "--log-format", "json", NULL
    };

    if (neighbour_find("tacitd", program, sizeof(program)) < 0) {
        (void)snprintf(broker->why, sizeof(broker->why), "there is no tacitd beside this program");
        return -1;
    }
    int output =
        open(broker->log_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, S_IRUSR | S_IWUSR);
    if (output < 0)
        return fail(broker, broker->log_path);
    broker->child = run(program, words, output);
    (void)close(output);
    broker->log = fopen(broker->log_path, "re");
    return broker->child > 0 && broker->log != NULL ? 0 : fail(broker, "tacitd");
}

/* 1: it listens; 0: it has ended; -1: neither in time. */
static int await_ready(struct demo_broker *broker)
{
    uint64_t end_ms = tacit_posix_now_ms() + READY_MS;

    while (tacit_posix_now_ms() < end_ms) {
        json_t *line = demo_broker_next(broker);
        const char *text = json_string_value(json_object_get(line, "text"));
        bool listens = text != NULL && strstr(text, LISTENING) != NULL;
        bool is_end = line == NULL && has_ended(broker);

        if (line == NULL && !is_end)
            pause_ms(STEP_MS);
        json_decref(line);
        if (listens || is_end)
            return listens ? 1 : 0;
    }
    return -1;
}

static void stop(struct demo_broker *broker)
{
    uint64_t end_ms = tacit_posix_now_ms() + END_MS;

    if (broker->log != NULL)
        (void)fclose(broker->log);
    broker->log = NULL;
    broker->len = 0;
    if (has_ended(broker))
        return;
    (void)kill(broker->child, SIGTERM);
    while (!has_ended(broker) && tacit_posix_now_ms() < end_ms)
        pause_ms(STEP_MS);
    if (broker->child <= 0)
        return;
    (void)kill(broker->child, SIGKILL);
    (void)waitpid(broker->child, NULL, 0);
    broker->child = 0;
}

int demo_broker_open(struct demo_broker *out, const char *configuration)
{
    int ready = 0;

    *out = (struct demo_broker){ .port = 0 };
    if (make_folder(out) < 0)
        return -1;
    /* A port may be taken; then tacitd says so and ends. */
    for (unsigned i = 0; i < TRIES && ready == 0; i++) {
        stop(out);
        if (write_configuration(out, configuration) < 0 || start(out) < 0)
            return -1;
        ready = await_ready(out);
    }
    if (ready == 1)
        return 0;
    (void)snprintf(out->why, sizeof(out->why), "tacitd does not begin to listen");
    return -1;
}

void demo_broker_close(struct demo_broker *broker)
{
    stop(broker);
    if (broker->folder[0] != '\0')
        (void)nftw(broker->folder, remove_one, FOLDERS, FTW_DEPTH | FTW_PHYS);
    broker->folder[0] = '\0';
}

/* ---- what it says ---- */

json_t *demo_broker_next(struct demo_broker *broker)
{
    clearerr(broker->log);
    while (fgets(broker->line + broker->len, (int)(sizeof(broker->line) - broker->len), broker->log)
           != NULL) {
        broker->len = strlen(broker->line);
        if (broker->line[broker->len - 1] != '\n' && broker->len < sizeof(broker->line) - 1)
            return NULL; /* the rest comes */
        broker->len = 0;
        json_t *line = json_loads(broker->line, 0, NULL);
        if (line != NULL)
            return line;
    }
    return NULL;
}

bool demo_broker_tool(struct demo_broker *broker, const char *const *words)
{
    const char *all[WORDS_MAX] = { "tacit" };
    size_t count = 1;
    int status = 0;

    for (; count < WORDS_MAX - 3 && words[count - 1] != NULL; count++)
        all[count] = words[count - 1];
    all[count++] = "--state";
    all[count] = broker->state;
    int output = open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (output < 0)
        return false;
    pid_t child = run("/proc/self/exe", all, output);
    (void)close(output);
    return child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status)
           && WEXITSTATUS(status) == 0;
}
