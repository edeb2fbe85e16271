#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Pictures are XML that says what it shows, they show every row of their data, and the same files give the same
pages again."""
import importlib.machinery
import importlib.util
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree

import flame_graph
import parts
import parts_page
import performance_page
import plots
import speed_page
import stacks
import start_up

SVG = "{http://www.w3.org/2000/svg}"
MOST_BYTES, FLAME_MOST_BYTES = 30_000, 200_000
MACHINE = {"date": "2000-01-01", "cores": 2, "cpu": "one", "kernel": "6"}
SERIES = ("floor", "mosquitto", "tacitd")


def row(scenario, floor, mosquitto, tacitd, want, bound="at_least", of="floor"):
    return {"scenario": scenario, "args": "a", "wire": "plain", "floor": floor, "mosquitto": mosquitto,
            "tacitd": tacitd, "want": want, "bound": bound, "of": of, "share": .5, "ok": True, "faults": []}


def like_for_like():
    names = ("p2p-qos0", "p2p-qos0-tls", "fanout", "connect", "handshake")
    return {"name": "like-for-like", "rounds": 3, "duration_s": 3, "machine": MACHINE,
            "mosquitto_version": "2", "missed": [], "rows": [
                *(row(name, 9e6, 1.2e5 * (1 + n), 5e6 + n, .25) for n, name in enumerate(names)),
                row("no-mosquitto", 9e6, None, 5e6, .5), row("share", None, 1e5, 8e5, 5.6, of="mosquitto"),
                row("idle-plain", 704, 734, 1098, 900, "at_most", "itself"),
                row("start-up", 3, 5, 11.2, 12, "at_most", "itself"),
                row("latency-qos0-p50", 79, 81, 80, None, "at_most"),
                row("latency-qos0-p99", 723, 308, 448, 1.1, "at_most")]}


def by_wire(name, figures, counts):
    """A report with rows by wire and number of connections."""
    return {"name": name, "rounds": 1, "machine": MACHINE, "missed": [], "rows": [
        {"wire": wire, "connections": count, "faults": [],
         **{subject: figures(wire, count, place) for place, subject in enumerate(SERIES)}}
        for wire in ("plain", "mtls") for count in counts]}


def idle():
    return by_wire("idle", lambda wire, count, place: {"rss": 700 + place + count / 100, "heap": 1, "kernel": 2},
                   (5000, 10000, 19000)) | {"wanted_at_most": {"rss_plain": 900, "rss_mtls": 20480}}


def active():
    return by_wire("active", lambda wire, count, place: {
        "cpu_us_per_connection_s": 4 + place + count / 1e5, "cpu_us_per_message": 40, "cpu_util": .1,
        "rss": 1800, "p99_us": 400}, (5000, 10000, 19000)) | {
            "duration_s": 20, "message_every_s": 5, "keep_alive_s": 3600, "growth_plain": .9,
            "growth_mtls": 1, "wanted_at_most": {"growth_plain": 1.2, "growth_mtls": 1.2}}


def steps(name, counts):
    return {"name": name, "rounds": 3, "duration_s": 3, "machine": MACHINE, "missed": [], "rows": [
        {"wire": wire, "step": count, "args": "a", "floor": 2e5 * count, "mosquitto": None if count == 4 else 1e5,
         "tacitd": 1.5e5 * count, "share_of_floor": .75, "ratio_to_mosquitto": 1.5, "faults": []}
        for wire in ("plain", "tls") for count in counts]}


def window():
    return steps("window", (1, 4, 16, 64, 256))


def size():
    return steps("size", (4, 64, 1024, 65536))


def storm():
    times = {"quiet": {"p50": 84, "p99": 160, "p999": 2193}, "storm": {"p50": 90, "p99": 707, "p999": 2218}}
    return {"name": "storm", "rounds": 2, "machine": MACHINE, "messages_per_s": 5000, "storm_per_s": 500,
            "duration_s": 10, "tls": "1.3", "missed": [], "wanted_at_most": {"p999_ratio": 3},
            **{subject: times | {"p999_ratio": 1, "handshakes_per_s": 500, "cpu_util_storm": .6}
               for subject in ("tacitd", "mosquitto")}}


FOLDED = {"run@tacit loop;on_publish@tacit core": 500, "run@tacit loop;send@libc;tcp_sendmsg@kernel": 300,
          "run@tacit loop;SSL_write@OpenSSL;(OpenSSL)@OpenSSL": 150, "run@tacit loop;a<b>&c@tacit net": 49,
          "run@tacit loop;rare@libc": 1}


def flame():
    parts = {part: round(share, 4) for part, share in stacks.shares(FOLDED).items()}
    return {"name": "flame", "tool": "perf", "duration_s": 1, "machine": MACHINE, "rows": [
        {"row": name, "args": "p2p", "wire": "tls", "of": "message", "ns": 1000.0, "floor_ns": 600.0,
         "samples": {"tacitd": 1000, "floor": 90}, "parts": {"tacitd": parts, "floor": {
             "kernel: send": .9, "floor": .1}}, "stacks": FOLDED} for name in ("one", "two")]}


# A start of 1 ms: forked, after .1 ms another program, works from .2 to .5 ms, sleeps in a sync until .9 ms, works.
START = """mqload 7/7 1.000000000: PERF_RECORD_COMM exec: mqload:7/7
mqload 7/7 1.500000000: PERF_RECORD_FORK(8:8):(7:7)
mqload 8/8 1.500050000: PERF_RECORD_SWITCH IN
mqload 7/7 1.500060000: cpu-clock/freq=4999/:
\tffffffff82000001 of_the_generator+0x1 ([kernel.kallsyms])

taskset 8/8 1.500100000: PERF_RECORD_SWITCH OUT preempt
tacitd 8/8 1.500200000: PERF_RECORD_SWITCH IN
tacitd 8/8 1.500300000: cpu-clock/freq=4999/:
\tffffffff82000002 filemap_fault+0x2 ([kernel.kallsyms])
\tffffffff82000003 exc_page_fault+0x3 ([kernel.kallsyms])
\t    8e26 do_lookup_x+0xc6 (/usr/lib/ld-linux-x86-64.so.2)

a b 8/8 1.500490000: sched:sched_switch:
\tffffffff82000004 do_fsync+0x4 ([kernel.kallsyms])
\t    8e26 fsync+0x6 (/usr/lib/libc.so.6)

a b 8/8 1.500500000: PERF_RECORD_SWITCH OUT
a b 8/8 1.500900000: PERF_RECORD_SWITCH IN
a b 8/8 1.500950000: cpu-clock/freq=4999/:
\t    8e26 malloc+0x6 (/usr/lib/libc.so.6)

a b 8/8 1.501100000: cpu-clock/freq=4999/:
\t    8e26 too_late+0x6 (/usr/lib/libc.so.6)
"""


def taken_apart():
    blocks = {"session": 280, "client": 220}
    return {"name": "parts", "rounds": 1, "machine": MACHINE, "binary": {
        "bytes": 1000, "wanted_at_most": 600, "tables": 20, "largest": [["on_publish", "core", 300]],
        "sections": {"code": 700, "constants": 200, parts.PADDING: 100},
        "modules": {"core": {"bytes": 500, "functions": 9}, "net": {"bytes": 190, "functions": 2}}}, "idle": [
            {"wire": "plain", "args": "idle", "blocks": blocks, "heap": 600, "rss": 610},
            {"wire": "mtls-detached", "args": "idle", "blocks": blocks | {"tls_records": 232}, "heap": 900, "rss": 890}]}


REPORTS = (like_for_like, idle, storm, window, size, active)


def parsed(svg):
    return xml.etree.ElementTree.fromstring(svg)


def texts(svg):
    return [element.text for element in parsed(svg).iter(f"{SVG}text")]


def titles(svg):
    return [element.text for element in parsed(svg).iter(f"{SVG}title")]


class Pictures(unittest.TestCase):
    def test_are_small_xml_with_a_title_and_a_description_and_dark_colours(self):
        for make in REPORTS:
            drawn = plots.drawn(make())
            self.assertEqual(len(drawn), len(plots.PICTURES[make()["name"]]))
            for name, svg, _ in drawn:
                with self.subTest(name=name):
                    root = parsed(svg)
                    self.assertEqual(root.tag, f"{SVG}svg")
                    self.assertTrue(root.find(f"{SVG}title").text)
                    self.assertTrue(root.find(f"{SVG}desc").text)
                    self.assertIn("prefers-color-scheme:dark", svg)
                    self.assertLess(len(svg.encode()), MOST_BYTES)
                    self.assertNotIn(MACHINE["date"], svg)

    def test_stay_inside_their_frame(self):
        for make in REPORTS:
            for name, svg, _ in plots.drawn(make()):
                root = parsed(svg)
                wide, high = (float(root.get(side)) for side in ("width", "height"))
                for element in root.iter():
                    for key, most in (("x", wide), ("cx", wide), ("y", high), ("cy", high)):
                        if element.get(key) is not None:
                            self.assertTrue(0 <= float(element.get(key)) <= most, (name, element.attrib))

    def test_every_row_of_like_for_like_is_in_one_of_them(self):
        report = like_for_like()
        seen = [title for _, svg, _ in plots.drawn(report) for title in titles(svg)]
        for one in report["rows"]:
            name = one["scenario"].removeprefix("latency-")
            for subject in SERIES:
                if one[subject] is None or (subject == "floor" and one["bound"] == "at_least"):
                    continue
                with self.subTest(row=name, subject=subject):
                    self.assertTrue(any(title.startswith(name) and f", {subject}: " in title for title in seen))

    def test_every_row_of_the_others_has_its_dot(self):
        for make in (idle, active, window, size):
            report = make()
            (_, svg, _), = plots.drawn(report)
            seen, key = titles(svg), "step" if make in (window, size) else "connections"
            for one in report["rows"]:
                for subject in SERIES:
                    if one[subject] is not None:
                        begin, end = f"{plots.WIRES[one['wire']]}, {subject}: ", f" at {one[key]:,}"
                        with self.subTest(name=report["name"], row=begin + end):
                            self.assertEqual(sum(t.startswith(begin) and t.endswith(end) for t in seen), 1)
        (_, svg, _), = plots.drawn(storm())
        self.assertEqual(sum(": " in title for title in titles(svg)), 12)

    def test_what_was_not_measured_has_none(self):
        report = like_for_like()
        report["rows"] = [one for one in report["rows"] if one["scenario"].startswith("latency-")]
        self.assertEqual([name for name, _, _ in plots.drawn(report)], ["like-for-like-latency.svg"])
        self.assertEqual(plots.drawn({"name": "million"}), [])

    def test_a_longer_bar_is_a_larger_share(self):
        report = like_for_like()
        report["rows"] = report["rows"][:2]
        report["rows"][0]["tacitd"], report["rows"][1]["tacitd"] = 4.5e6, 9e6
        svg = plots.drawn(report)[0][1]
        spans = [float(path.get("d").split("h")[1].split("q")[0]) for path in parsed(svg).iter(f"{SVG}path")
                 if path.get("class") == "tacitd"]
        self.assertAlmostEqual((spans[0] + 3) * 2, spans[1] + 3, delta=.5)


class Flames(unittest.TestCase):
    def test_are_xml_with_a_box_for_what_is_wide_enough(self):
        svg = flame_graph.flame_graph(flame()["rows"][0], "perf")
        self.assertLess(len(svg.encode()), FLAME_MOST_BYTES)
        seen = titles(svg)
        self.assertIn("on_publish, tacit core: 50.0 %", seen)
        self.assertIn("a<b>&c, tacit net: 4.9 %", seen)
        self.assertFalse([title for title in seen if title.startswith("rare")])
        self.assertIn("on_publish", texts(svg))

    def test_parts_add_up(self):
        shares = stacks.shares(FOLDED)
        self.assertAlmostEqual(sum(shares.values()), 1)
        self.assertEqual(list(shares)[:2], ["tacit core", "kernel: send"])

    def test_a_profile_is_read(self):
        text = ("\tffffffff8200e45b tcp_sendmsg+0x2b ([kernel.kallsyms])\n"
                "\tffffffff821ecc51 do_syscall_64+0x71 ([kernel.kallsyms])\n"
                "\t          10ac4d __libc_sendmsg+0x4d (/usr/lib/libc.so.6)\n"
                "\t           4c1c8 [unknown] (/usr/lib/libssl.so.3)\n"
                "\t           4c1c9 [unknown] (/usr/lib/libssl.so.3)\n"
                "\t    7fb3f8012847 [unknown] (//anon)\n"
                "\tffffffffffffffff [unknown] ([unknown])\n\n")
        self.assertEqual(stacks.fold(text, "tacitd"), {
            "(OpenSSL)@OpenSSL;__libc_sendmsg@libc;do_syscall_64@kernel;tcp_sendmsg@kernel": 1})
        self.assertEqual(stacks.part_of(next(iter(stacks.fold(text, "tacitd")))), "kernel: send")

    def test_the_table_says_what_the_rest_is(self):
        lines = list(performance_page.table(flame()["rows"][0]))
        self.assertIn("| kernel: send | 30.0 % | 300 | 540 | -240 |", lines)
        self.assertIn("| other code of its own | 0.0 % | 0.0 | 60.0 | -60.0 |", lines)
        self.assertEqual(lines[-1], "| in all | 100 % | 1,000 | 600 | 400 |")


class Starts(unittest.TestCase):
    def test_all_of_the_time_goes_somewhere(self):
        found, samples = start_up.stacks_of(START, "tacitd", 1_000_000)
        self.assertEqual((samples, sum(found.values())), (2, 1_000_000))
        self.assertEqual({part: round(share * 1000) for part, share in stacks.shares(found, start_up.CALLS).items()}, {
            "waits: disk, at a sync": 400, "kernel: page faults": 225, "libc": 225, start_up.BEFORE: 150})

    def test_who_is_held_does_not_wait_for_what_it_asked(self):
        text = START.replace("PERF_RECORD_SWITCH OUT\n", "PERF_RECORD_SWITCH OUT preempt\n")
        found, _ = start_up.stacks_of(text, "tacitd", 1_000_000)
        self.assertEqual(stacks.shares(found, start_up.CALLS)[start_up.HELD], .4)

    def test_the_table_has_every_server(self):
        row = {"starts": 2, "ms": {"tacitd": 4, "floor": 1.5}, "parts": {
            "tacitd": {"libc": 3, "tacit store": 1}, "floor": {"libc": 1, "floor": .49, "OpenSSL": .01}}}
        self.assertEqual(list(performance_page.start_table(row))[2:], [
            "| libc | 75.0 % | 3.00 | 1.00 |", "| tacit store | 25.0 % | 1.00 | 0.00 |",
            "| other code of its own | 0.0 % | 0.00 | 0.49 |", "| smaller ones | 0.0 % | 0.00 | 0.01 |",
            "| in all | 100.0 % | 4.00 | 1.50 |"])


class Parts(unittest.TestCase):
    def test_sections_add_up_to_the_program(self):
        text = ("  [ 0]                   NULL            0000000000000000 000000 000000 00      0   0  0\n"
                "  [ 1] .interp           PROGBITS        0000000000000350 000350 00001c 00   A  0   0  1\n"
                "  [15] .text             PROGBITS        000000000000d050 00d050 000100 00  AX  0   0 16\n"
                "  [27] .bss              NOBITS          00000000000b1020 0b1008 000070 00  WA  0   0 32\n")
        found = parts.sections_of(text, 1000)
        self.assertEqual(found, {"code": 256, "names and relocations for the dynamic linker": 28, parts.PADDING: 716})

    def test_a_function_stands_where_it_was_written(self):
        functions = parts.functions_of("0000000000001000 0000000000000020 t take.lto_priv.0\n"
                                       "0000000000001020 0000000000000010 T _start\n"
                                       "0000000000002000 0000000000000010 r table\n")
        lines = stacks.Lines("tacitd")
        lines.found = {0x1000: [("inlined", "/x/src/base/pool.c"), ("take", "/x/build/../src/core/route.c")],
                       0x1020: [("_start", "??")]}
        modules, largest = parts.modules_of(functions, lines)
        self.assertEqual(modules, {"core": {"bytes": 32, "functions": 1}, "libgcc and libc": {"bytes": 16, "functions": 1}})
        self.assertEqual(largest[0], ["take", "core", 32])

    def test_the_tables_say_what_is_left(self):
        lines = [*parts_page.binary_rows(taken_apart()), *parts_page.idle_rows(taken_apart())]
        for line in ("| core | 9 | 500 | 71.4 % |", "| between functions | – | 10 | 1.4 % |", "| in all | 1,000 | 100 % |",
                     "| `struct tls_records` | – | 232 |", "| pages of the program and of libraries | 10 | -10 |",
                     "| texts and tickets, the allocator's share, tables that find them | 100 | 168 |"):
            self.assertIn(line, lines)


class Pages(unittest.TestCase):
    def test_every_row_of_the_counts_is_said(self):
        side = {"calls": .0266, "by_name": {"sendmsg": .0132, "futex": .0001}, "instructions": 1402}
        rows = [{"row": "p2p-qos0", "args": "a", "wire": "plain", "floor": side, "tacitd": side},
                {"row": "fanout-tls", "args": "a", "wire": "tls", "tacitd": side | {"instructions": None}}]
        lines = list(speed_page.count_rows({"name": "counts", "machine": MACHINE, "rows": rows}))
        self.assertEqual(lines[-2:], [
            "| p2p-qos0 | plain | 0.027 | – | 0.027 | sendmsg 0.013 | 1,402 | – | 1,402 |",
            "| fanout-tls | tls | – | – | 0.027 | sendmsg 0.013 | – | – | – |"])

    def test_the_same_files_give_the_same_page(self):
        """By the command itself, in a copy of the tree."""
        root = pathlib.Path(__file__).resolve().parent.parent
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            (folder / "docs").mkdir()
            (folder / "bench").mkdir()
            for path in [*root.glob("bench/*.py"), root / "bench" / "report"]:
                os.symlink(path, folder / "bench" / path.name)
            (folder / "bench" / "report").unlink()
            (folder / "bench" / "report").write_bytes((root / "bench" / "report").read_bytes())
            for module in ("plots", "performance_page", "parts_page"):
                (folder / "bench" / f"{module}.py").unlink()
                (folder / "bench" / f"{module}.py").write_bytes((root / "bench" / f"{module}.py").read_bytes())
            (folder / "docs" / "benchmarks.md").write_text("# Benchmarks\n\n## Idle connections\n\nold\n")
            (folder / "docs" / "performance.md").write_text(
                f"# Page\n\n## one\n\n{performance_page.BEGIN.format('one')}\nold\n"
                f"{performance_page.END.format('one')}\n\n{parts_page.BEGIN.format('idle')}\nold\n"
                f"{parts_page.END.format('idle')}\n\nBy hand.\n")
            files = []
            for make in (*REPORTS, flame, taken_apart):
                files.append(folder / f"{make.__name__}.json")
                files[-1].write_text(json.dumps(make()))
            seen = []
            for _ in range(2):
                subprocess.run([sys.executable, folder / "bench" / "report", *files], check=True)
                seen.append({path.relative_to(folder): path.read_bytes()
                             for path in sorted((folder / "docs").rglob("*.*"))})
            self.assertEqual(*seen)
            text = seen[0][pathlib.Path("docs/benchmarks.md")].decode()
            self.assertNotIn("old", text)
            for _, pictures in plots.PICTURES.items():
                for picture, _, _ in pictures:
                    self.assertIn(f"(plots/{picture}.svg)", text)
                    self.assertIn(pathlib.Path(f"docs/plots/{picture}.svg"), seen[0])
            text = seen[0][pathlib.Path("docs/performance.md")].decode()
            self.assertIn("By hand.", text)
            self.assertNotIn("old", text)
            for part in ("binary", "idle"):
                self.assertEqual(text.count(parts_page.BEGIN.format(part)), 1)
            for flamed in ("one", "two"):
                self.assertEqual(text.count(f"(plots/flame-{flamed}.svg)"), 1)

    def test_a_page_made_anew_keeps_what_others_wrote(self):
        loader = importlib.machinery.SourceFileLoader("report", str(pathlib.Path(__file__).with_name("report")))
        report = importlib.util.module_from_spec(importlib.util.spec_from_loader("report", loader))
        loader.exec_module(report)
        old = "# Benchmarks\n\n## One\n\nold\n\n## Two\n\nkept\n\n### Two and a half\n\n## Three\n\nkept\n"
        new = "# Benchmarks\n\n## One\n\nnew\n"
        whole = report.with_others(new, old)
        self.assertEqual(whole, new + old[old.index("\n## Two"):])
        self.assertEqual(report.with_others(new, whole), whole)

    def test_every_picture_of_the_pages_is_there(self):
        docs = plots.FOLDER.parent
        linked = {part.split(")")[0] for name in ("benchmarks.md", "performance.md")
                  for part in (docs / name).read_text(encoding="utf-8").split("](plots/")[1:]}
        self.assertEqual(linked, {path.name for path in plots.FOLDER.glob("*.svg")})
        for name in linked:
            text = (plots.FOLDER / name).read_bytes()
            self.assertLess(len(text), FLAME_MOST_BYTES if name.startswith("flame-") else MOST_BYTES)
            parsed(text)

    def test_sections_of_speed_are_all_named(self):
        self.assertLessEqual(set(plots.PICTURES), set(speed_page.SECTIONS))


if __name__ == "__main__":
    unittest.main()
