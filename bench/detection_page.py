# SPDX-License-Identifier: Apache-2.0
"""What docs/detection.md says of `bench/run sense-live` and `bench/run detection`."""


REMARKS = (
    "* Who has no certificate and only holds connections open (R3) is told when the first of them has timed out "
    "(`handshake-timeout-ms`, 8 s; `connect-timeout-ms`, 10 s): before that it is a slow client. Not more than "
    "`unproved-per-address` (1,024) of `unproved` (16,384) connections are its own by then.",
    "* Who opens many connections with a certificate connects too often, which is what somebody does who is held "
    "up or copied: the verdict is *attacked*, wrongly.",
    "* A wildcard that is permitted and new is told at the first packet only in a role of which a device-day was "
    "learned in which devices connected often enough; this fleet connects once.",
    "* One long silence of a role whose lines were lost before, as on a busy machine that learns fast, is taken "
    "for another outage: R15 `0.05` is then missed where `0.2`, many gaps, is found.",
    "* Numbers in JSON (R14 `modification`; those that are a payload by themselves are looked at) and what bytes "
    "say (R16 `mimicry`) are not looked at.",
    "")


def seconds(value):
    if value is None:
        return "–"
    if value < 0.1:
        return "< 0.1 s"
    return f"{value:.1f} s" if value < 120 else f"{value / 60:.0f} min"


def yes_or_no(value):
    return {True: "yes", False: "**no**", None: "–"}[value]


def machine_of(report):
    machine = report["machine"]
    return f"{machine['date']}, {machine['cores']} cores ({machine['cpu']}), kernel {machine['kernel']}"


def replay_row(row):
    after = seconds(row["time_to_detect_s"]) if row["found"] else f"**not in {seconds(row['tried_s'])}**"
    late = row["in_time"] is False and row["found"]
    clock = "" if row["seconds_are"] == 1 else f", clock × {row['seconds_are']:g}"
    return (f"| {row['replay']} `{row['intensity']}`{' (stealthy)' if row['stealthy'] else ''}{clock} | "
            f"{after}{', **late**' if late else ''} | {seconds(row['wanted_s'])} | {row['by'] or '–'} | "
            f"{yes_or_no(row['verdict_right'])} | {yes_or_no(row['top3'])} | "
            f"{', '.join(row['done_about_it']) or '–'} | {row['false_alerts']} | "
            f"{row['quarantined_others']} | {seconds(row.get('late_s'))} |")


def percent(value):
    return "–" if value is None else f"{100 * value:.0f} %"


def replay_rows(report):
    yield "## Live replays"
    yield ""
    yield (f"{machine_of(report)}: `bench/run sense-live`, seed {report['seed']}, "
           f"{report['shards']} shard, `mode = {report['mode']}`, {report['devices']} devices with "
           f"certificates, whose roles were learned in {report['learned_s']} s with a clock that was 25 times "
           f"as fast; {report['took_s']} s in all. Times are the detector's, from the first packet until the "
           "record was read: real ones, but where a row names another clock. \"Late\" is how late the "
           "generator itself was at most: on a machine that has other work all of a role are held up "
           "now and then, which is told as that.")
    yield ""
    if "note" in report:
        yield report["note"]
        yield ""
    yield from REMARKS
    yield "| replay | told after | target | by | verdict right | top three | done about it | false alerts | " \
          "others in quarantine | late |"
    yield "|---|---|---|---|---|---|---|--:|--:|---|"
    for row in report["replays"]:
        yield replay_row(row)
    yield ""
    yield (f"Found of the loud {percent(report['recall_overt'])}, of the stealthy "
           f"{percent(report['recall_stealthy'])}; within the target {percent(report['in_time'])}; verdict "
           f"{percent(report['verdict_right'])}, reasons {percent(report['top3'])}.")
    yield ""
    yield from rule_rows(report)
    yield from benign_rows(report)


def final(lines):
    """Without empty lines at the end."""
    kept = list(lines)
    while kept and not kept[-1]:
        kept.pop()
    return kept


def rule_rows(report):
    yield "| rule | found | median | longest | target |"
    yield "|---|---|--:|--:|--:|"
    for row in report["layer_0"]:
        yield (f"| {row['rule']} | {row['found']} of {row['trials']} | {row['median_ms']} ms | "
               f"{row['most_ms']} ms | {row['wanted_ms']} ms |")
    yield ""


def benign_rows(report):
    if not report["benign"]:
        return
    yield "| what must not alarm | alarms of devices | group event | throttled | in quarantine | late |"
    yield "|---|--:|--:|--:|--:|---|"
    for row in report["benign"]:
        yield (f"| {row['event']} | {row['device_alarms']} | {row['group_events']} | {row['throttled']} | "
               f"{row['quarantined']} | {seconds(row.get('late_s'))} |")
    yield ""


def ratio(one):
    if one is None:
        return "–"
    if one["low_95"] is None:
        return f"{one['value']:.3f}"
    return f"{one['value']:.3f} ({one['low_95']:.3f} to {one['high_95']:.3f})"


def thousands(rate):
    return "–" if rate is None else f"{rate / 1000:,.0f}"


def cost_rows(report):
    core, wanted = report["core"], report["wanted"]
    yield "## What it costs a broker"
    yield ""
    is_whole = any(row.get("ratio_observe") for row in report["rows"])
    how = "`bench/run detection`" if is_whole else "`bench/run detection --only in-place`"
    apart = "*observe*, *respond*: a process a run, which watches what it has learned. " if is_whole else ""
    yield (f"{machine_of(report)}: {how}, {report['rounds']} rounds of "
           f"{report['duration_s']:g} s. Messages per second of broker CPU, on over off, with 95 % "
           "intervals. *In place*: SIGHUP turns it on and off in one process, so that nothing else "
           "differs; it learns meanwhile. *Watching*: the same where it has learned, and the role of the devices "
           f"is looked at or not. {apart}"
           "Windows of 1 s are weighed five times as often as those of 5 s, the default. Every device "
           "publishes to itself as fast as the broker takes it, 64 bytes, 64 messages on their way; with less on "
           "their way a message costs more, and detection the same. Without TLS nobody has a name, and nobody is "
           "looked at.")
    yield ""
    ways = WAYS if is_whole else WAYS_IN_PLACE
    off_head, off_line = ("off, thousands | ", "--:|") if is_whole else ("", "")
    yield f"| wire | QoS | devices | windows | {off_head}{' | '.join(way.replace('_', ' ') for way in ways)} |"
    yield f"|---|--:|--:|--:|{off_line}{'---|' * len(ways)}"
    for row in report["rows"]:
        off = f"{thousands(row.get('messages_per_cpu_s_off'))} | " if is_whole else ""
        yield (f"| {row['wire']} | {row['qos']} | {row['devices']:,} | {row['window_ms'] / 1000:g} s | {off}"
               + " | ".join(ratio(row.get(f"ratio_{way}")) for way in ways) + " |")
    yield ""
    yield (f"Wanted: {wanted['ratio_on_off']:g} at least. In place with TLS, the geometric mean of "
           f"all: **{ratio(report['ratio_all'])}**; the lowest is {ratio(report['ratio_on_off'])}. The detector alone, 10,000 devices: "
           f"{report['ns_per_message']:g} ns a message (wanted: {wanted['ns_per_message']:g}). A shard without "
           f"the kernel: {core['ns_bypass']:g} ns a message, with a policy {core['ns_policy']:g}, and with "
           f"detection {core['ns_observe']:g}.")


WAYS_IN_PLACE = ("in_place", "watching")
WAYS = (*WAYS_IN_PLACE, "observe", "respond")
SECTIONS = {"sense-live": lambda report: final(replay_rows(report)), "detection": cost_rows}
