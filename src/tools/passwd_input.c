/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/passwd_input.h"

#include "base/wipe.h"
#include "tools/identity_options.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

/* Byte by byte from the descriptor: a stream would keep a copy. False when nothing was there. */
static bool read_line(int fd, char out[PASSWD_INPUT_SIZE])
{
    size_t len = 0;
    bool has_any = false;
    char c;

    while (read(fd, &c, 1) == 1 && c != '\n') {
        has_any = true;
        if (len < PASSWD_INPUT_SIZE - 1)
            out[len++] = c;
    }
    if (len > 0 && out[len - 1] == '\r')
        len--;
    out[len] = '\0';
    return has_any;
}

/* Without showing what is typed. */
static bool ask(const char *question, char out[PASSWD_INPUT_SIZE])
{
    struct termios before;
    struct termios quiet;

    if (tcgetattr(STDIN_FILENO, &before) != 0)
        return false;
    quiet = before;
    quiet.c_lflag &= ~(tcflag_t)ECHO;
    if (tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet) != 0)
        return false;
    (void)fputs(question, stderr);
    bool is_read = read_line(STDIN_FILENO, out);
    (void)fputc('\n', stderr);
    (void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
    return is_read;
}

static int ask_twice(char out[PASSWD_INPUT_SIZE], struct pki_fault *fault)
{
    char again[PASSWD_INPUT_SIZE] = "";
    int error = 0;

    if (!ask("New password: ", out) || !ask("Once more: ", again))
        error = pki_fail(fault, -EINVAL, "no password was typed");
    else if (strcmp(out, again) != 0)
        error = pki_fail(fault, -EINVAL, "the two are not the same; nothing was changed");
    wipe_bytes(again, sizeof(again));
    return error;
}

static int read_file(const char *path, char out[PASSWD_INPUT_SIZE], struct pki_fault *fault)
{
    FILE *file = fopen(path, "re");

    if (file == NULL)
        return pki_fail(fault, -EINVAL, "%s: %s", path, strerror(errno));
    bool is_read = read_line(fileno(file), out);
    (void)fclose(file);
    return is_read ? 0 : pki_fail(fault, -EINVAL, "%s: the first line is empty", path);
}

int passwd_input_read(const struct identity_options *options, char out[PASSWD_INPUT_SIZE],
                      struct pki_fault *fault)
{
    out[0] = '\0';
    if (options->generate && options->password_file != NULL)
        return pki_fail(fault, -EINVAL, "--generate and --password-file: say one of them");
    if (options->generate)
        return password_generate(out) == 0 ? 0
                                           : pki_fail(fault, -EIO, "no random numbers to be had");
    if (options->password_file != NULL)
        return read_file(options->password_file, out, fault);
    if (isatty(STDIN_FILENO))
        return ask_twice(out, fault);
    if (read_line(STDIN_FILENO, out))
        return 0;
    return pki_fail(fault, -EINVAL,
                    "no password on standard input; type one at a terminal, or say --generate or "
                    "--password-file FILE");
}
