#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What libFuzzer says is understood, and the record adds up."""
import os
import pathlib
import signal
import stat
import tempfile
import threading
import time
import unittest

import fuzzing

QUIET = """INFO: Running with entropic power schedule (0xFF, 100).
INFO: Loaded 1 modules   (1234 inline 8-bit counters): 1234 [0x1, 0x2),
#2	INITED cov: 10 ft: 11 corp: 1/1b exec/s: 0 rss: 40Mb
#4096	pulse  cov: 97 ft: 310 corp: 51/2048b lim: 43 exec/s: 2048 rss: 60Mb
#5000	NEW    cov: 98 ft: 312 corp: 52/2Kb lim: 43 exec/s: 2048 rss: 60Mb L: 9/43 MS: 1 EraseBytes-
#9000	DONE   cov: 98 ft: 312 corp: 52/2Kb lim: 60 exec/s: 2250 rss: 60Mb
Done 9000 runs in 4 second(s)
stat::number_of_executed_units: 9000
stat::average_exec_per_sec:     2250
"""
CRASH = """#2	INITED cov: 10 ft: 11 corp: 1/1b exec/s: 0 rss: 40Mb
==7== ERROR: AddressSanitizer: heap-buffer-overflow on address 0x1
SUMMARY: AddressSanitizer: heap-buffer-overflow src/x.c:3:1 in x_read
Test unit written to build/findings/x-crash-00
stat::number_of_executed_units: 77
"""


class Output(unittest.TestCase):
    def test_what_was_run(self):
        found = fuzzing.outcome_of(QUIET, 0)
        self.assertEqual((found.executions, found.edges, found.features, found.corpus),
                         (9000, 98, 312, 52))
        self.assertEqual(found.finding, "")

    def test_an_interrupt_is_no_finding(self):
        text = QUIET.replace("Done 9000 runs in 4 second(s)",
                             "==9== libFuzzer: run interrupted; exiting")
        for code in (0, 72):
            found = fuzzing.outcome_of(text, code)
            self.assertEqual((found.executions, found.finding), (9000, ""))

    def test_a_finding_is_told_in_the_words_of_who_saw_it(self):
        for text, code, says in (
                (CRASH, 77, "AddressSanitizer: heap-buffer-overflow src/x.c:3:1 in x_read"),
                ("==7== ERROR: libFuzzer: deadly signal\nSUMMARY: libFuzzer: deadly signal\n", 77,
                 "libFuzzer: deadly signal"),
                ("ALARM: working on the last Unit for 26 seconds\n"
                 "SUMMARY: libFuzzer: timeout\n", 70, "libFuzzer: timeout"),
                ("", -9, "exit code -9"), (QUIET, 1, "exit code 1")):
            with self.subTest(says=says):
                self.assertEqual(fuzzing.outcome_of(text, code).finding, says)

    def test_without_coverage_the_last_one_counts(self):
        found = fuzzing.outcome_of(QUIET + "#9100	REDUCE corp: 50/1Kb\n", 0)
        self.assertEqual((found.edges, found.features, found.corpus), (98, 312, 50))


class Table(unittest.TestCase):
    def test_rows_and_total(self):
        good = fuzzing.Outcome(9000, 98, 312, 52, "", 4.5)
        bad = fuzzing.Outcome(77, 10, 11, 1, "libFuzzer: timeout", 0.5)
        self.assertEqual(fuzzing.row("connect", good).split(),
                         ["connect", "9,000", "2,000", "98", "312", "52", "0"])
        self.assertEqual(fuzzing.row("x", bad).split()[-3:], ["1", "libFuzzer:", "timeout"])
        self.assertEqual(fuzzing.total([good, bad]).split(),
                         ["2", "targets", "9,077", "1,815", "53", "1"])
        self.assertIn("never", fuzzing.row("never", fuzzing.Outcome()))


class Record(unittest.TestCase):
    def test_time_and_executions_add_up(self):
        record = {}
        fuzzing.add_to_record(record, "x", fuzzing.Outcome(100, 5, 6, 7, "", 3600), "2001-01-01",
                              "aaa")
        record = fuzzing.read_record(fuzzing.write_record(record))
        fuzzing.add_to_record(record, "x", fuzzing.Outcome(11, 8, 9, 4, "", 1800), "2001-01-02",
                              "bbb")
        fuzzing.add_to_record(record, "a", fuzzing.Outcome(1, 1, 1, 1, "", 1.24), "2001-01-02",
                              "bbb")
        text = fuzzing.write_record(record)
        self.assertEqual(text.splitlines()[1:], [
            "a\t1.2\t1\t1\t1\t1\t2001-01-02\tbbb",
            "x\t5400.0\t111\t8\t9\t4\t2001-01-02\tbbb"])
        table = fuzzing.record_table(fuzzing.read_record(text), [{"target": "x"}, {"target": "x"}])
        self.assertIn("| x | 1.500 | 111 | 8 | 9 | 4 | 2 | 2001-01-02 | bbb |", table)
        self.assertIn("| **2 targets** | **1.50** | **112** | | | | **2** | | |", table)

    def test_what_stands_around_the_table_stays(self):
        with tempfile.TemporaryDirectory(prefix="fuzzing-") as folder:
            here = os.getcwd()
            self.addCleanup(os.chdir, here)
            os.chdir(folder)
            for path, text in ((fuzzing.RECORD, fuzzing.write_record({})),
                               (fuzzing.FINDINGS, "target\twhat\ttest\n"),
                               (fuzzing.DOCUMENT,
                                "above\n" + fuzzing.BEGIN + "old\n" + fuzzing.END + "below\n")):
                path.parent.mkdir(exist_ok=True)
                path.write_text(text, encoding="utf-8")
            text = fuzzing.document()
            self.assertTrue(text.startswith("above\n"))
            self.assertTrue(text.endswith("below\n"))
            self.assertNotIn("old", text)
            fuzzing.DOCUMENT.write_text(text, encoding="utf-8")
            self.assertEqual(fuzzing.document(), text)
            os.chdir(here)


class Running(unittest.TestCase):
    """With a shell script in the place of a target."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="fuzzing-")
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)
        for name in ("PROGRAMS", "CORPUS", "ARTIFACTS", "LOGS"):
            self.addCleanup(setattr, fuzzing, name, getattr(fuzzing, name))
            setattr(fuzzing, name, self.root / name.lower())
        fuzzing.PROGRAMS.mkdir()

    def program(self, name, text):
        path = fuzzing.PROGRAMS / f"{name}-fuzz"
        path.write_text("#!/bin/sh\n" + text, encoding="utf-8")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)

    def test_what_a_run_came_to(self):
        self.program("good", 'echo "#5 DONE cov: 2 ft: 3 corp: 4/9b"\n')
        self.program("bad", 'echo "SUMMARY: libFuzzer: timeout"; exit 70\n')
        self.assertEqual(fuzzing.targets(), ["bad", "good"])
        self.assertEqual(fuzzing.targets(["good", "none"]), ["good"])
        runner = fuzzing.Runner()
        self.assertEqual(runner.run("good", 1).corpus, 4)
        self.assertGreaterEqual(runner.run("good", 1).seconds, 0)
        self.assertEqual(runner.run("bad", 1).finding, "libFuzzer: timeout")

    def test_who_is_stopped_is_counted(self):
        self.program("long", "trap 'echo \"stat::number_of_executed_units: 8\"; exit 0' INT\n"
                             "echo ready\nwhile :; do sleep 0.05; done\n")
        runner = fuzzing.Runner()
        came = []
        thread = threading.Thread(target=lambda: came.append(runner.run("long", 1)))
        thread.start()
        deadline = time.monotonic() + 60
        log = fuzzing.LOGS / "fuzz-long.log"
        while not (log.exists() and "ready" in log.read_text(encoding="utf-8")):
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.01)
        runner.stop()
        thread.join(60)
        self.assertEqual([(found.executions, found.finding) for found in came], [(8, "")])
        self.assertEqual(runner.run("long", 1), fuzzing.Outcome())


if __name__ == "__main__":
    # A parent that ignores interrupts hands that down to the programs that are to be stopped.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    unittest.main()
