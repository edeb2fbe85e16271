# SPDX-License-Identifier: Apache-2.0
"""What docs/benchmarks.md says of the commands about speed: lines of Markdown from their JSON."""
from plots import WIRES, links


def where(report):
    """One sentence about the machine, and a blank line; nothing when it is not said."""
    if "machine" in report:
        machine = report["machine"]
        yield f"On {machine['date']}, {machine['cores']} cores ({machine['cpu']}), kernel " \
              f"{machine['kernel']}: `bench/run {report['name']}`."
        yield ""


def missed(report):
    if report["missed"]:
        yield ""
        yield "Not reached: " + ", ".join(report["missed"]) + "."


def cell(value, form="{:,.0f}"):
    return "–" if value is None else form.format(value)


def headline_rows(report):
    yield "## Headline: everything on against everything off"
    yield ""
    yield from where(report)
    detection = f"detection (`{report['detection_mode']}`)" if report["detection"] \
        else "no detection yet"
    yield (f"tacitd with TLS {report['tls']}, client certificates, an exact policy and {detection} "
           f"(`bench/{report['configuration']}`); the floor and mosquitto in plaintext, with nothing "
           f"on. `{report['arguments']}`, {report['rounds']} alternated rounds of "
           f"{report['duration_s']:g} s, medians, thousands of deliveries per second of broker CPU.")
    yield ""
    yield "| | floor | mosquitto | tacitd | share of floor | wanted | × mosquitto |"
    yield "|---|--:|--:|--:|--:|--:|--:|"
    for qos in (0, 1):
        figures = [report[f"{subject}_qos{qos}"] for subject in ("floor", "mosquitto", "tacitd")]
        yield f"| QoS {qos} | " + " | ".join(cell(value and value / 1000) for value in figures) + \
            f" | {cell(report[f'share_qos{qos}'], '{:.3f}')} | " \
            f"{report['wanted_at_least'][f'share_qos{qos}']:.2f} | " \
            f"{cell(report[f'ratio_qos{qos}'], '{:.1f}')} |"
    yield from missed(report)


BY = {"floor": "of the floor", "mosquitto": "× mosquitto", "itself": ""}


def compared(row):
    """What counts, as one reads it: a share with three decimals, an own figure as it is."""
    return cell(row["share"], "{:,.1f}" if row["of"] == "itself" else "{:.3f}")


def like_for_like_rows(report):
    yield "## Like for like"
    yield ""
    yield from where(report)
    yield (f"{report['rounds']} alternated rounds of {report['duration_s']:g} s, those of latencies of 10 s at least, medians; mosquitto "
           f"{report['mosquitto_version']}. Deliveries and connections are per second of broker CPU. "
           "The floor asks for no client certificates: that of a handshake with one is the floor's "
           "without, and the CPU that OpenSSL alone takes more for it. Memory, start-up and size are "
           "held against what is wanted, the others against the floor, a shared subscription against "
           "mosquitto. What missed rows consist of: [performance.md](performance.md).")
    yield ""
    yield from links(report)
    yield "| scenario | wire | arguments | floor | mosquitto | tacitd | compared | wanted | met |"
    yield "|---|---|---|--:|--:|--:|--:|--:|---|"
    for row in report["rows"]:
        figures = " | ".join(cell(row[name]) for name in ("floor", "mosquitto", "tacitd"))
        sign = "≥" if row["bound"] == "at_least" else "≤"
        want = "–" if row["want"] is None else f"{sign} {row['want']:,}"
        met = {True: "yes", False: "**no**", None: "–"}[row["ok"]]
        yield (f"| {row['scenario']} | {row.get('wire', '–')} | `{row['args']}` | {figures} | "
               f"{compared(row)} {BY[row['of']]} | {want} | {met} |")


def idle_rows(report):
    yield "## Idle connections"
    yield ""
    yield from where(report)
    yield ("Bytes per connection: resident, of that private and not of a file (*heap*), and what the "
           "kernel takes for the server's end (half of what its slabs and sockets grow by). *Added*: "
           "resident, of those that came since the row before. The floor asks for no client "
           f"certificates. Medians; rounds: {report['rounds']}.")
    yield ""
    yield from links(report)
    yield "| wire | connections | | resident | added | heap | kernel | wanted, resident |"
    yield "|---|--:|---|--:|--:|--:|--:|--:|"
    for row in report["rows"]:
        for subject in ("floor", "mosquitto", "tacitd"):
            if subject in row:
                most = report["wanted_at_most"][f"rss_{row['wire']}"] if subject == "tacitd" else None
                yield f"| {row['wire']} | {row['connections']:,} | {subject} | " + " | ".join(
                    cell(row[subject].get(kind)) for kind in ("rss", "added_rss", "heap", "kernel")
                ) + f" | {cell(most)} |"
    yield from missed(report)


MILLION_ROWS = (
    ("bytes of the heap per connected session, its subscription included", "bytes_per_session"),
    ("of them the subscription", "bytes_per_subscription"),
    ("CPU of a CONNECT, ns", "ns_per_connect"),
    ("CPU of a SUBSCRIBE, ns", "ns_per_subscribe"),
    ("CPU of a message, ns", "ns_per_message"),
    ("longest turn of 1 ms of messages, CPU, ms", "longest_turn_ms"),
    ("take-over, median, µs", "takeover_us_p50"),
    ("the same, 99th percentile", "takeover_us_p99"),
    ("a changed policy is in force after, ms", "policy_in_force_ms"),
    ("every session was looked at after, ms", "policy_reload_ms"),
    ("longest slice of that, CPU, ms", "policy_longest_slice_ms"),
    ("bytes of the heap that detection adds to a session", "sense_bytes_per_session"),
    ("CPU of a CONNECT with detection, ns", "sensed_ns_per_connect"),
    ("CPU of a message with detection, the looks at all devices in it, ns", "sensed_ns_per_message"),
    ("all of that, % of a core; without detection", "cpu_percent_of_a_core"),
    ("with detection", "sensed_cpu_percent_of_a_core"),
    ("longest turn of 1 ms of messages, CPU, with detection, ms", "sensed_longest_turn_ms"),
    ("each device was looked at once after, s", "sensed_round_s"),
    ("CPU of that, for one device, ns", "sensed_round_ns_per_device"),
    ("longest slice of that, CPU, ms", "sensed_round_longest_slice_ms"),
    ("longest slice while a role of all of them is learned, CPU, ms", "sensed_longest_learning_advance_ms"),
    ("false alarms of them", "sensed_alarms"),
    ("what was learned is saved, CPU in one slice, ms", "sensed_save_slice_ms"),
    ("bytes of that for a device", "sensed_saved_bytes_per_device"),
    ("a start takes it up in, CPU, s", "sensed_load_s"),
    ("bytes of disk per session that is away", "disk_bytes_per_session"),
    ("bytes of disk per queued message", "disk_bytes_per_queued_message"),
    ("bytes of the heap per queued message", "heap_bytes_per_queued_message"),
    ("CPU of a queued message, ns", "ns_per_queued_message"),
    ("start with all that is away, s", "start_s"),
    ("of that until the store is open, s", "start_open_s"),
)


def million_rows(report):
    yield "## A million sessions, simulated"
    yield ""
    yield from where(report)
    away = report["offline_sessions"]
    yield (f"One process, one shard, no sockets: {report['sessions']:,} connected sessions, each a device "
           f"of its own with one subscription, and {report['messages_per_s']:,} messages of 64 bytes a "
           f"second among them for {report['simulated_s']:,} s, half of them at QoS 1; then {away:,} "
           f"sessions that are away, with {away * report['subscriptions_per_offline_session']:,} "
           f"subscriptions and {away * report['queued_per_offline_session']:,} messages on disk, and a "
           "start with all of that. With detection each of the connected is a device of one role, which was "
           f"learned before. Medians; rounds: {report['rounds']}.")
    yield ""
    yield "| figure | measured | wanted, at most |"
    yield "|---|--:|--:|"
    for text, field in MILLION_ROWS:
        yield f"| {text} | {report[field]:,} | {report['wanted_at_most'].get(field, '')} |"
    yield from missed(report)


def storm_rows(report):
    yield "## Messages in a storm of handshakes"
    yield ""
    yield from where(report)
    yield (f"{report['messages_per_s']:,} messages of 64 bytes a second at QoS 1 among 100 pairs, quiet, and "
           f"while {report['storm_per_s']:,} others a second make a full handshake of TLS {report['tls']} with a "
           "certificate, connect and go. Time from when a message was due by a plan that does not wait for "
           f"the broker until it came, µs. The broker has one core. Medians; {report['rounds']} alternated rounds of "
           f"{report['duration_s']:g} s.")
    yield ""
    yield from links(report)
    yield ("| | quiet: median | 99 % | 99.9 % | storm: median | 99 % | 99.9 % | 99.9 %, storm by quiet | wanted | "
           "handshakes a second | share of the core |")
    yield "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|"
    for subject in ("tacitd", "mosquitto"):
        if subject not in report:
            continue
        figures = report[subject]
        times = [cell(figures[name][percentile]) for name in ("quiet", "storm")
                 for percentile in ("p50", "p99", "p999")]
        want = f"≤ {report['wanted_at_most']['p999_ratio']}" if subject == "tacitd" else "–"
        yield f"| {subject} | " + " | ".join(times) + \
            f" | {cell(figures['p999_ratio'], '{:.2f}')} | {want} | {cell(figures['handshakes_per_s'])} | " \
            f"{cell(figures['cpu_util_storm'], '{:.2f}')} |"
    yield from missed(report)


def shards_rows(report):
    yield "## Two shards against one"
    yield ""
    yield from where(report)
    yield ("tacitd in plaintext on both cores of the machine, where the generator is, too: messages per second of "
           "the broker's CPU are what compares. Per second both have what is left of the machine: beside it stands how "
           "many cores each of them had. Half of the pairs have their ends on different shards. Medians; "
           f"{report['rounds']} alternated rounds of {report['duration_s']:g} s.")
    yield ""
    yield ("| | one: per second of CPU | two | two by one | wanted | one: per second | two | one: cores of the broker, of "
           "the generator | two |")
    yield "|---|--:|--:|--:|--:|--:|--:|--:|--:|"
    for row in report["rows"]:
        cpu, rate = row["deliveries_per_cpu_s"], row["deliveries_per_s"]
        cores = [f"{cell(row['broker_cores'][count], '{:.2f}')}, {cell(row['generator_cores'][count], '{:.2f}')}"
                 for count in ("1", "2")]
        yield f"| `{row['args']}` | {cell(cpu['1'])} | {cell(cpu['2'])} | {cell(row['cpu_ratio'], '{:.2f}')} | " \
            f"≥ {report['wanted_at_least']['cpu_ratio']} | {cell(rate['1'])} | {cell(rate['2'])} | " \
            + " | ".join(cores) + " |"
    yield ""
    yield f"Latency at a fixed rate (`{report['latency']['args']}`), µs:"
    yield ""
    yield "| shards | median | 99 % | 99.9 % |"
    yield "|---|--:|--:|--:|"
    for count in ("1", "2"):
        times = report["latency"][count]
        yield f"| {count} | " + " | ".join(cell(times[name]) for name in ("p50", "p99", "p999")) + " |"
    yield from missed(report)


STEPS = {"window": ("Messages that can be batched", "with so many messages on their way from each publisher",
                    "on their way"),
         "size": ("Payloads of 64 bytes to 64 KiB", "with payloads of so many bytes, at most 64 KiB of them on "
                  "their way from each publisher", "bytes")}


def step_rows(report):
    title, what, column = STEPS[report["name"]]
    yield f"## {title}"
    yield ""
    yield from where(report)
    yield (f"Deliveries per second of the server's CPU, thousands, point to point at QoS 0, {what}; "
           f"{report['rounds']} alternated rounds of {report['duration_s']:g} s, medians.")
    yield ""
    yield from links(report)
    yield f"| wire | {column} | arguments | floor | mosquitto | tacitd | share of floor | × mosquitto |"
    yield "|---|--:|---|--:|--:|--:|--:|--:|"
    for row in report["rows"]:
        figures = " | ".join(cell(row[name] and row[name] / 1000) for name in ("floor", "mosquitto", "tacitd"))
        yield f"| {row['wire']} | {row['step']:,} | `{row['args']}` | {figures} | " \
            f"{cell(row['share_of_floor'], '{:.3f}')} | {cell(row['ratio_to_mosquitto'], '{:.1f}')} |"
    yield from missed(report)


def active_rows(report):
    yield "## Lightly active connections"
    yield ""
    yield from where(report)
    yield (f"Half of the connections publish a message of 64 bytes at QoS 1 in {report['message_every_s']:g} s to one of "
           f"the other half each, with a keep alive of {report['keep_alive_s']:,} s. CPU of the server: for a "
           "connection in a second, and for a message with its acknowledgements. More connections "
           "are more often ready together, so a wake-up is shared by more. Latency by a plan that does not wait. The "
           f"floor asks for no client certificates. Rounds of {report['duration_s']:g} s: {report['rounds']}.")
    yield ""
    yield from links(report)
    yield "| wire | connections | | CPU per connection, µs a second | per message, µs | share of a core | " \
          "resident, bytes | latency, 99 %, µs |"
    yield "|---|--:|---|--:|--:|--:|--:|--:|"
    for row in report["rows"]:
        for subject in ("floor", "mosquitto", "tacitd"):
            if subject in row:
                figures = row[subject]
                yield f"| {row['wire']} | {row['connections']:,} | {subject} | " \
                    f"{cell(figures['cpu_us_per_connection_s'], '{:.2f}')} | " \
                    f"{cell(figures['cpu_us_per_message'], '{:.1f}')} | {cell(figures['cpu_util'], '{:.3f}')} | " \
                    f"{cell(figures['rss'])} | {cell(figures['p99_us'])} |"
    yield ""
    grown = [f"{WIRES[wire]}: {cell(report[f'growth_{wire}'], '{:.2f}')}" for wire in ("plain", "mtls")]
    yield ("CPU per connection at the most connections by that at the fewest, tacitd: " + ", ".join(grown)
           + f" (wanted: {report['wanted_at_most']['growth_plain']} at most).")
    yield from missed(report)


def count_rows(report):
    yield "## System calls and instructions"
    yield ""
    yield from where(report)
    yield ("Per delivered message. System calls as the kernel counts them; instructions of the process, not of the "
           "kernel: by the processor's counter, or where there is none by callgrind, as the difference of a long and "
           "a short run, and then in plaintext alone. Acknowledgements are in both.")
    yield ""
    yield ("| scenario | wire | calls: floor | mosquitto | tacitd | of these | instructions: floor | mosquitto | "
           "tacitd |")
    yield "|---|---|--:|--:|--:|---|--:|--:|--:|"
    for row in report["rows"]:
        sides = [row.get(name, {}) for name in ("floor", "mosquitto", "tacitd")]
        names = ", ".join(f"{name} {count:.3f}" for name, count in sides[2].get("by_name", {}).items()
                          if count >= .0005)
        yield f"| {row['row']} | {row['wire']} | " + " | ".join(
            cell(side.get("calls"), "{:.3f}") for side in sides) + f" | {names} | " + " | ".join(
                cell(side.get("instructions")) for side in sides) + " |"


SECTIONS = {"headline": headline_rows, "like-for-like": like_for_like_rows, "idle": idle_rows,
            "million": million_rows, "storm": storm_rows, "shards": shards_rows,
            "window": step_rows, "size": step_rows, "active": active_rows, "counts": count_rows}
