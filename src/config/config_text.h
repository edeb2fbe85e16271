/* SPDX-License-Identifier: Apache-2.0 */
/* The lexical rules of tacit.conf, checked before libconfuse sees the text.
 *
 *   text    = { blank | comment | string | word | "{" | "}" | "=" | "+=" | "," }
 *   comment = "#" to the end of the line | "/ *" ... "* /"
 *   string  = '"' ... '"' or "'" ... "'" on one line; in the first kind \ makes the next
 *             character literal, \n \t \r stand for what they do in C
 *   word    = one or more of A-Z a-z 0-9 _ - . / : %
 *
 * libconfuse keeps the state of its scanner in globals and does not reset it after
 * a failure in the middle of a string; a text that passes here never leaves it
 * there, so that a bad file at one reload cannot spoil the next. */
#pragma once

#include "base/attrs.h"
#include "config/diagnostics.h"

#include <stddef.h>

/* Checks `len` bytes of `text` and replaces comments by blanks, in place. 0, or
 * -EINVAL after one complaint per offence (20 at most). */
MQTT_NODISCARD int config_text_check(char *text, size_t len, const char *file,
                                     struct diagnostics *diagnostics);
