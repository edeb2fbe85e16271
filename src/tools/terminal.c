/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/terminal.h"

#include "base/wipe.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

static void write_text(int fd, const char *text)
{
    ssize_t written = write(fd, text, strlen(text));
    /* Who does not see the question does not answer it. */
    (void)written;
}

/* One line; what is too long is read to its end and refused. */
static int read_line(int fd, struct passphrase *out)
{
    char line[PASSPHRASE_MAX_BYTES + 1];
    size_t len = 0;
    char c = '\0';
    while (read(fd, &c, 1) == 1 && c != '\n') {
        if (len < sizeof(line))
            line[len++] = c;
    }
    int error = passphrase_set(line, len, out) < 0 ? -ENOKEY : 0;
    wipe_bytes(line, sizeof(line));
    wipe_bytes(&c, sizeof(c));
    return error;
}

/* Signals that would leave the terminal without echo wait until it has it back: Ctrl-C takes effect
 * with the next Enter. */
int terminal_ask_passphrase(const char *prompt, struct passphrase *out)
{
    struct termios shown;
    sigset_t blocked;
    sigset_t before;
    int fd = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (fd < 0)
        return -ENOKEY;
    if (tcgetattr(fd, &shown) < 0) {
        close(fd);
        return -ENOKEY;
    }
    struct termios hidden = shown;
    hidden.c_lflag &= (tcflag_t)~ECHO;
    (void)sigemptyset(&blocked);
    (void)sigaddset(&blocked, SIGINT);
    (void)sigaddset(&blocked, SIGQUIT);
    (void)sigaddset(&blocked, SIGTSTP);
    (void)sigaddset(&blocked, SIGTERM);
    (void)sigprocmask(SIG_BLOCK, &blocked, &before);
    int error = tcsetattr(fd, TCSAFLUSH, &hidden) < 0 ? -ENOKEY : 0;
    if (error == 0) {
        write_text(fd, prompt);
        error = read_line(fd, out);
        write_text(fd, "\n");
        (void)tcsetattr(fd, TCSAFLUSH, &shown);
    }
    (void)sigprocmask(SIG_SETMASK, &before, NULL);
    close(fd);
    return error;
}
