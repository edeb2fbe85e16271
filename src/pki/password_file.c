/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/password_file.h"

#include <errno.h>

static struct mqtt_span strip_end(struct mqtt_span line)
{
    while (line.len > 0 && (line.data[line.len - 1] == '\n' || line.data[line.len - 1] == '\r'))
        line.len--;
    return line;
}

static bool copy_text(struct mqtt_span text, char *out, size_t size)
{
    if (text.len >= size || memchr(text.data, '\0', text.len) != NULL)
        return false;
    memcpy(out, text.data, text.len);
    out[text.len] = '\0';
    return true;
}

int password_line_parse(struct mqtt_span line, struct password_line *out, struct pki_fault *fault)
{
    struct password_line found;

    line = strip_end(line);
    if (line.len == 0 || line.data[0] == '#')
        return 0;
    const uint8_t *colon = memchr(line.data, ':', line.len);
    if (colon == NULL)
        return pki_fail(fault, -EINVAL, "there is no ':' between a user name and a hash");
    const struct mqtt_span user = { line.data, (size_t)(colon - line.data) };
    const struct mqtt_span rest = { colon + 1, line.len - user.len - 1 };
    if (!copy_text(user, found.user, sizeof(found.user)) || !registry_name_is_valid(found.user))
        return pki_fail(fault, -EINVAL,
                        "the user name cannot be that of an account: printable characters without "
                        "space, '/', '+', '#', '%%' and quotes, not beginning with '$' or '.'");
    if (rest.len == 0 || rest.data[0] != '$')
        return pki_fail(fault, -EINVAL,
                        "'%s' has a plain-text password; run mosquitto_passwd -U on the file, or "
                        "set a new one with tacit passwd %s",
                        found.user, found.user);
    if (!copy_text(rest, found.verifier, sizeof(found.verifier))
        || !password_verifier_is_valid(found.verifier))
        return pki_fail(fault, -EINVAL,
                        "'%s' has a hash that is neither $6$ nor $7$ of mosquitto, or is damaged",
                        found.user);
    *out = found;
    return 1;
}
