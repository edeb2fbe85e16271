/* SPDX-License-Identifier: Apache-2.0 */
/* The broker, and the server where certificates are renewed. */
#include "tools/connection.h"
#include "tools/doctor_patient.h"
#include "tools/enroll_device.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define CLOCK_WARN_S 30
#define CLOCK_FAIL_S 300
#define TIMEOUT_S    15

/* ---- enrolment ---- */

static void look_at_server_clock(const struct https_reply *reply, struct doctor_report *report)
{
    int64_t off_s = (int64_t)time(NULL) - reply->date_s;
    int64_t distance_s = off_s < 0 ? -off_s : off_s;

    if (reply->date_s == 0)
        doctor_report_add(report, "clock.server", DOCTOR_WARN,
                          "compare the clock yourself: date -u",
                          "the server does not say its time");
    else
        doctor_report_add(report, "clock.server",
                          distance_s > CLOCK_FAIL_S   ? DOCTOR_FAIL
                          : distance_s > CLOCK_WARN_S ? DOCTOR_WARN
                                                      : DOCTOR_OK,
                          "set the clock: NTP; certificates are good or not by it",
                          "this clock is %" PRId64 " s %s the server's", distance_s,
                          off_s < 0 ? "behind" : "ahead of");
}

/* Somebody who does not prove to be the server by the right authority has to be refused: here it is
 * the server itself, measured by the device's own certificate. */
static void look_whether_it_verifies(const struct doctor_patient *p, struct doctor_report *report)
{
    char error[HTTPS_ERROR_SIZE] = "";
    struct https_reply reply = { 0 };
    struct profile *other = malloc(sizeof(*other));

    if (other == NULL)
        return;
    *other = *p->place;
    memcpy(other->ca_file, p->place->certificate_file, sizeof(other->ca_file));
    int status = enroll_renew_ask(other, &reply, error);
    https_reply_fini(&reply);
    free(other);
    doctor_report_add(report, "server.verified", status == -EKEYREJECTED ? DOCTOR_OK : DOCTOR_FAIL,
                      "tell the authors: a server that proves nothing must not be talked to",
                      "measured by a wrong authority, the same server is %s%s%s",
                      status == -EKEYREJECTED ? "refused" : "not refused",
                      error[0] != '\0' ? ": " : "", error);
}

static void look_at_enrolment(const struct doctor_patient *p, struct doctor_report *report)
{
    char error[HTTPS_ERROR_SIZE] = "";
    struct https_reply reply = { 0 };
    int status = enroll_renew_ask(p->place, &reply, error);

    if (status < 0) {
        doctor_report_add(
            report, "server.enrolment", status == -EKEYREJECTED ? DOCTOR_FAIL : DOCTOR_WARN,
            "without it the certificate ends one day: is it running, is its port open "
            "(8884), is it the right one?",
            "%s", error);
        return;
    }
    doctor_report_add(report, "server.enrolment", reply.status == 200 ? DOCTOR_OK : DOCTOR_WARN,
                      "is enrolment on, in the broker's tacit.conf?",
                      "%s: verified by %s, it has verified certificate and key, and answers %u",
                      p->place->enrolment, p->place->ca_file, reply.status);
    look_at_server_clock(&reply, report);
    https_reply_fini(&reply);
    look_whether_it_verifies(p, report);
}

/* ---- the broker ---- */

static void look_at_tls(const struct connection *connection, struct doctor_report *report)
{
    char text[96];

    tacit_posix_describe(connection->posix, text, sizeof(text));
    doctor_report_add(report, "server.tls",
                      strncmp(text, "TLSv1.3", 7) == 0   ? DOCTOR_OK
                      : strncmp(text, "TLSv1.2", 7) == 0 ? DOCTOR_WARN
                                                         : DOCTOR_FAIL,
                      "the broker, or something between, holds it down to that", "%s", text);
}

static void say_down(const struct connection *connection, const struct tacit_event *event,
                     struct doctor_report *report)
{
    const char *detail = tacit_posix_error(connection->posix);
    bool is_refused = event->status == TACIT_REFUSED;

    doctor_report_add(report, "server.broker", DOCTOR_FAIL,
                      is_refused
                          ? "the broker knows this device, and does not want it so: the "
                            "reason says why, `tacit device show` on the broker's machine more"
                          : "is it running, is its port open, is it the one that was meant?",
                      "%s port %u: %s%s%.*s", connection->target.host, connection->target.port,
                      is_refused          ? tacit_reason_text(event->reason)
                      : detail[0] != '\0' ? detail
                                          : tacit_status_text(event->status),
                      event->reason_string.len > 0 ? ": " : "", (int)event->reason_string.len,
                      event->reason_string.len > 0 ? (const char *)event->reason_string.data : "");
}

static void say_up(struct connection *connection, const struct tacit_event *event,
                   struct doctor_report *report)
{
    doctor_report_add(report, "server.broker", DOCTOR_OK, NULL,
                      "%s port %u: verified by %s, it lets this device in, MQTT version %u",
                      connection->target.host, connection->target.port, connection->target.ca_file,
                      event->version);
    look_at_tls(connection, report);
    connection_finish(connection);
}

static void look_at_broker(const struct doctor_patient *p, struct doctor_report *report)
{
    struct connection connection;
    struct tacit_event event = { 0 };
    /* A client identifier of its own, so that the device itself is left alone. */
    const struct options options = {
        .command = OPTION_PUB, .as = p->place->name, .quiet = true, .timeout_s = TIMEOUT_S
    };

    if (connection_open(&connection, &options, 4096) != EXIT_DONE) {
        doctor_report_add(report, "server.broker", DOCTOR_FAIL, "see what is wrong above",
                          "key, certificate and authority of the profile cannot be used");
        return;
    }
    enum connection_step step = CONNECTION_EVENT;
    while (step == CONNECTION_EVENT && event.type != TACIT_EVENT_UP
           && event.type != TACIT_EVENT_DOWN)
        step = connection_wait(&connection, -1, UINT64_MAX, &event);
    if (step == CONNECTION_EVENT && event.type == TACIT_EVENT_UP)
        say_up(&connection, &event, report);
    else if (step == CONNECTION_EVENT)
        say_down(&connection, &event, report);
    else
        doctor_report_add(report, "server.broker", DOCTOR_FAIL,
                          "is it running, is its port open, is it the one that was meant?",
                          "%s port %u: no answer within %d s", connection.target.host,
                          connection.target.port, TIMEOUT_S);
    connection_close(&connection);
}

void doctor_look_at_servers(const struct doctor_patient *patient, struct doctor_report *report)
{
    if (patient->place->enrolment[0] != '\0')
        look_at_enrolment(patient, report);
    look_at_broker(patient, report);
}
