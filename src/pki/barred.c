/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/barred.h"

#include "pki/private_file.h"
#include "pki/state.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LONGEST_BYTES (UINT64_C(256) << 20) /* that is read */
#define LINE_BYTES    128
#define FOLDER        "/learning/"
#define PREFIX        "pardon."

/* ---- a place ---- */

bool barred_place_of(const char *text, struct barred_place *out)
{
    char host[BARRED_TEXT_BYTES];
    uint8_t bytes[16];
    size_t len = strcspn(text, "/");
    bool is_network = text[len] == '/';

    if (len >= sizeof(host) || (is_network && strcmp(text + len, "/64") != 0))
        return false;
    memcpy(host, text, len);
    host[len] = '\0';
    bool is_four = !is_network && inet_pton(AF_INET, host, bytes) == 1;
    if (!is_four && inet_pton(AF_INET6, host, bytes) != 1)
        return false;
    *out = (struct barred_place){ .len = is_four ? 4 : BARRED_PLACE_BYTES };
    memcpy(out->bytes, bytes, out->len);
    return true;
}

/* Without the "/64", which is no part of a file's name. */
static const char *host_text(const struct barred_place *place, char *out)
{
    uint8_t bytes[16] = { 0 };

    memcpy(bytes, place->bytes, BARRED_PLACE_BYTES);
    out[0] = '\0';
    (void)inet_ntop(place->len == 4 ? AF_INET : AF_INET6, bytes, out, BARRED_TEXT_BYTES - 4);
    return out;
}

const char *barred_place_text(const struct barred_place *place, char *out)
{
    (void)host_text(place, out);
    if (place->len != 4)
        memcpy(out + strlen(out), "/64", sizeof("/64"));
    return out;
}

/* ---- what tacitd shows ---- */

int barred_write(const char *state_dir, const struct barred *all, size_t count)
{
    char path[STATE_PATH_SIZE];
    char place[BARRED_TEXT_BYTES];
    char *text = malloc(count * LINE_BYTES + 1);
    size_t len = 0;

    if (text == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < count; i++)
        len += (size_t)snprintf(text + len, LINE_BYTES, "%s %" PRId64 " %" PRId64 " %u\n",
                                barred_place_text(&all[i].place, place), all[i].since_s,
                                all[i].until_s, all[i].times);
    int status = state_path(state_dir, STATE_BARRED, path);
    if (status == 0)
        status = private_file_write(path, (struct mqtt_span){ (const uint8_t *)text, len },
                                    PRIVATE_FILE_REPLACE);
    free(text);
    return status;
}

/* A number behind a space, and what follows it. */
static bool take_number(char **at, int64_t *out)
{
    char *end;

    if (**at != ' ')
        return false;
    errno = 0;
    long long number = strtoll(*at + 1, &end, 10);
    if (errno != 0 || end == *at + 1 || number < 0)
        return false;
    *at = end;
    *out = number;
    return true;
}

static bool take_line(char *line, struct barred *out)
{
    char *at = line + strcspn(line, " ");
    char place[BARRED_TEXT_BYTES];
    int64_t times = 0;

    if (at - line >= BARRED_TEXT_BYTES)
        return false;
    memcpy(place, line, (size_t)(at - line));
    place[at - line] = '\0';
    if (!barred_place_of(place, &out->place) || !take_number(&at, &out->since_s)
        || !take_number(&at, &out->until_s) || !take_number(&at, &times) || times > UINT16_MAX)
        return false;
    out->times = (unsigned)times;
    return *at == '\0';
}

static size_t count_lines(const char *text)
{
    size_t count = 0;

    for (const char *at = strchr(text, '\n'); at != NULL; at = strchr(at + 1, '\n'))
        count++;
    return count;
}

int barred_load(const char *state_dir, struct barred **out, size_t *out_count)
{
    char path[STATE_PATH_SIZE];
    uint8_t *text = NULL;
    char *rest = NULL;
    size_t len;
    size_t count = 0;
    int status = state_path(state_dir, STATE_BARRED, path);

    if (status == 0)
        status = private_file_read(path, LONGEST_BYTES, &text, &len);
    if (status != 0 && status != -ENOENT)
        return status;
    struct barred *all = calloc(text != NULL ? count_lines((char *)text) + 1 : 1, sizeof(*all));
    if (all == NULL) {
        free(text);
        return -ENOMEM;
    }
    for (char *line = text != NULL ? strtok_r((char *)text, "\n", &rest) : NULL; line != NULL;
         line = strtok_r(NULL, "\n", &rest))
        count += take_line(line, &all[count]) ? 1 : 0;
    free(text);
    *out = all;
    *out_count = count;
    return 0;
}

/* ---- what a tool asks for ---- */

int barred_pardon(const char *state_dir, const struct barred_place *place, uint32_t for_s)
{
    char path[STATE_PATH_SIZE];
    char request[STATE_PATH_SIZE + LINE_BYTES];
    char text[BARRED_TEXT_BYTES];
    int status = state_path(state_dir, STATE_PARDON, path);

    if (status != 0)
        return status;
    (void)snprintf(request, sizeof(request), "%s.%" PRIu32 ".%s", path, for_s,
                   host_text(place, text));
    return private_file_write(request, (struct mqtt_span){ NULL, 0 }, PRIVATE_FILE_REPLACE);
}

static bool take_name(const char *name, struct barred_place *out_place, uint32_t *out_for_s)
{
    char *end;

    if (strncmp(name, PREFIX, strlen(PREFIX)) != 0)
        return false;
    errno = 0;
    unsigned long for_s = strtoul(name + strlen(PREFIX), &end, 10);
    *out_for_s = (uint32_t)for_s;
    return errno == 0 && for_s <= UINT32_MAX && *end == '.' && barred_place_of(end + 1, out_place);
}

void barred_take(const char *state_dir, barred_visit visit, void *context)
{
    char path[STATE_PATH_SIZE];
    int len = snprintf(path, sizeof(path), "%s" FOLDER, state_dir);
    DIR *folder = len > 0 && (size_t)len < sizeof(path) ? opendir(path) : NULL;

    if (folder == NULL)
        return;
    for (const struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        struct barred_place place;
        uint32_t for_s;
        if (take_name(entry->d_name, &place, &for_s)
            && unlinkat(dirfd(folder), entry->d_name, 0) == 0)
            visit(context, &place, for_s);
    }
    (void)closedir(folder);
}
