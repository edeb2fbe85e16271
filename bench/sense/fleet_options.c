/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/sense/fleet_options.h"

#include <stdlib.h>

#define DAYS        3
#define DEVICES     1000
#define SEED        1
#define EPOCH_MAX_S UINT64_C(100000000000)

const char fleet_options_help[] =
    "usage: bench-fleet [OPTION...] > EVENTS.csv\n"
    "Simulates a fleet of MQTT devices and writes what a broker would see, one packet a row.\n"
    "The same options write the same bytes.\n"
    "\n"
    "  --seed N              of all chance (1)\n"
    "  --devices N           divided among the personas by their shares (1000)\n"
    "  --each N              instead: so many of each persona\n"
    "  --personas N|N-M      which take part (1-20); 1-10 are for tuning, 11-20 for reporting\n"
    "  --for TIME            how long (3d)\n"
    "  --from TIME           writes nothing before it: a test continues its training so (0s)\n"
    "  --start EPOCH         when it begins, in seconds since 1970 (a Monday, 00:00)\n"
    "  --event SPEC          something that must not alarm; may be repeated\n"
    "  --attack SPEC         an attack; may be repeated\n"
    "  --truth FILE          writes what really happened, one JSON object a line\n"
    "  --list                prints the personas, events and attacks\n"
    "  --help                prints this\n"
    "\n"
    "SPEC is NAME[:INTENSITY]@TIME[+DURATION][:devices=N][:persona=NAME], TIME is counted from "
    "the\n"
    "start: 90s, 36h, 1d12h. Examples: --event restart@1d12h --attack R6:x10@36h+10m:devices=3\n"
    "\n"
    "Exit code: 0, 1 when something could not be written, 2 when the options are no plan.\n";

/* An option reads its value; false: it is none of its. */
typedef bool (*option_reader)(const char *value, struct fleet_options *options);

static bool number(const char *text, uint64_t most, uint64_t *out)
{
    char *end = NULL;

    if (text[0] < '0' || text[0] > '9')
        return false;
    *out = strtoull(text, &end, 10);
    return *end == '\0' && *out <= most;
}

static bool read_seed(const char *value, struct fleet_options *options)
{
    return number(value, UINT64_MAX, &options->plan.seed);
}

static bool read_devices(const char *value, struct fleet_options *options)
{
    uint64_t count = 0;

    if (!number(value, FLEET_DEVICES_MAX, &count))
        return false;
    options->plan.devices = (uint32_t)count;
    return true;
}

static bool read_each(const char *value, struct fleet_options *options)
{
    uint64_t count = 0;

    if (!number(value, FLEET_DEVICES_MAX, &count) || count == 0)
        return false;
    options->plan.each = (uint32_t)count;
    return true;
}

static bool read_personas(const char *value, struct fleet_options *options)
{
    char *end = NULL;
    const unsigned long first = strtoul(value, &end, 10);
    uint64_t last = first;

    if (*end != '\0' && (*end != '-' || !number(end + 1, persona_count(), &last)))
        return false;
    if (first == 0 || first > last || last > persona_count())
        return false;
    options->plan.first_persona = (unsigned)first;
    options->plan.last_persona = (unsigned)last;
    return true;
}

/* Until the start is known, these are counted from it. */
static bool read_from(const char *value, struct fleet_options *options)
{
    return fleet_spec_time(value, &options->plan.from_us);
}

static bool read_for(const char *value, struct fleet_options *options)
{
    return fleet_spec_time(value, &options->plan.end_us) && options->plan.end_us > 0;
}

static bool read_start(const char *value, struct fleet_options *options)
{
    uint64_t seconds = 0;

    if (!number(value, EPOCH_MAX_S, &seconds))
        return false;
    options->plan.start_us = (int64_t)seconds * FLEET_SECOND_US;
    return true;
}

static bool read_event(const char *value, struct fleet_options *options)
{
    struct fleet_plan *plan = &options->plan;

    return plan->event_count < FLEET_HAPPENINGS_MAX
           && fleet_spec_parse(value, &plan->events[plan->event_count++]);
}

static bool read_attack(const char *value, struct fleet_options *options)
{
    struct fleet_plan *plan = &options->plan;

    return plan->attack_count < FLEET_HAPPENINGS_MAX
           && fleet_spec_parse(value, &plan->attacks[plan->attack_count++]);
}

static bool read_truth(const char *value, struct fleet_options *options)
{
    options->truth = value;
    return value[0] != '\0';
}

static option_reader reader_of(const char *name)
{
    static const struct {
        const char *name;
        option_reader read;
    } table[] = { { "--seed", read_seed },     { "--devices", read_devices },
                  { "--each", read_each },     { "--personas", read_personas },
                  { "--for", read_for },       { "--start", read_start },
                  { "--from", read_from },     { "--event", read_event },
                  { "--attack", read_attack }, { "--truth", read_truth } };

    for (unsigned i = 0; i < sizeof table / sizeof table[0]; i++)
        if (strcmp(table[i].name, name) == 0)
            return table[i].read;
    return NULL;
}

static enum fleet_wish complain(struct fleet_options *options, const char *why, const char *about)
{
    options->complaint = why;
    options->about = about;
    return FLEET_COMPLAIN;
}

enum fleet_wish fleet_options_read(int argc, char *const *argv, struct fleet_options *out)
{
    *out = (struct fleet_options){ .plan = { .seed = SEED,
                                             .start_us = FLEET_MONDAY_US,
                                             .end_us = DAYS * FLEET_DAY_US,
                                             .first_persona = 1,
                                             .last_persona = persona_count(),
                                             .devices = DEVICES } };
    for (int i = 1; i < argc; i += 2) {
        const option_reader read = reader_of(argv[i]);

        if (strcmp(argv[i], "--help") == 0)
            return FLEET_HELP;
        if (strcmp(argv[i], "--list") == 0)
            return FLEET_LIST;
        if (read == NULL)
            return complain(out, "there is no such option", argv[i]);
        if (i + 1 == argc)
            return complain(out, "this option wants a value", argv[i]);
        if (!read(argv[i + 1], out))
            return complain(out, "this is no value of that option", argv[i + 1]);
    }
    if (out->plan.from_us >= out->plan.end_us)
        return complain(out, "nothing is left of the trace", "--from");
    out->plan.end_us += out->plan.start_us;
    out->plan.from_us += out->plan.start_us;
    return FLEET_RUN;
}
