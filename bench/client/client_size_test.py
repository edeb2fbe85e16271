#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What bench/client-size concludes from, on small cases: the graph of calls, the map of the linker,
the table of bounds. And one measurement, which is the gate: all names are there, and every bound is
kept."""
import json
import pathlib
import subprocess
import tempfile
import unittest

import bounds
import callgraph
import linkmap

ROOT = pathlib.Path(__file__).resolve().parents[2]
FIXED = {"code_both", "code_311", "data_bss", "ram", "stack_worst", "exchange_tls_bytes",
         "encode_instr", "decode_instr"}
SOURCE = "int f(struct s *s)\n{\n    return s->port.open(1) + (s ? one : two)(2);\n}\n"
MAP = """
Discarded input sections

 .text          0x00000000       0x99 lib/a.o

Linker script and memory map

 .text.short    0x00000010       0x20 lib/a.o
 .rodata.a_rather_long_name
                0x00000030        0x8 lib/a.o
 .bss.arena     0x20000000      0x100 app.o
 .text          0x00000040       0x10 /usr/lib/libc_nano.a(memcpy.o)
/DISCARD/
 .comment       0x00000000       0x20 lib/a.o
"""


def node(name, frame, kind="static"):
    return f'node: {{ title: "{name}" label: "{name}\\n{frame} bytes ({kind})" }}\n'


def edge(source, target, place="f.c:1:1"):
    return f'edge: {{ sourcename: "{source}" targetname: "{target}" label: "{place}" }}\n'


class Stack(unittest.TestCase):
    def graph(self, text, pointers=None):
        graph = callgraph.Graph(pointers or {})
        graph.add(text)
        return graph

    def test_the_deepest_chain(self):
        graph = self.graph(node("a", 8) + node("b.c:b", 16) + node("c", 100) + edge("a", "b.c:b")
                           + edge("b.c:b", "c") + edge("a", "c"))
        self.assertEqual(graph.deepest(["a"]), (124, ["a", "b", "c"]))

    def test_what_the_c_library_needs_counts(self):
        graph = self.graph(node("a", 8) + edge("a", "memcpy"))
        self.assertEqual(graph.unknown(), {"memcpy"})
        graph.leaf("memcpy", 4)
        self.assertEqual(graph.deepest(["a"])[0], 12)

    def test_recursion_has_no_deepest_stack(self):
        graph = self.graph(node("a", 8) + node("b", 8) + edge("a", "b") + edge("b", "a"))
        with self.assertRaisesRegex(callgraph.Unbounded, "recursion: a -> b -> a"):
            graph.deepest(["a"])

    def test_nor_has_a_frame_of_any_size(self):
        with self.assertRaisesRegex(callgraph.Unbounded, "no fixed size"):
            self.graph(node("a", 8, "dynamic"))

    def test_a_pointer_is_named_by_the_source(self):
        with tempfile.TemporaryDirectory() as place:
            pathlib.Path(place, "f.c").write_text(SOURCE, encoding="utf-8")
            second = f"f.c:3:{SOURCE.splitlines()[2].index(': two') + 1}"
            self.assertEqual(callgraph.called("f.c:3:12", place), "open")
            self.assertEqual(callgraph.called(second, place), "two")
            graph = callgraph.Graph(callgraph.declared("# x\nopen: stub\n"), place)
            graph.add(node("f", 8) + node("stub", 4) + edge("f", "__indirect_call", "f.c:3:12"))
            self.assertEqual(graph.deepest(["f"]), (12, ["f", "stub"]))
            with self.assertRaisesRegex(callgraph.Unbounded, "pointer two, which is not"):
                graph.add(edge("f", "__indirect_call", second))


class Map(unittest.TestCase):
    def test_each_byte_has_an_owner(self):
        found = linkmap.shares(MAP)
        self.assertEqual(found, {("lib/a.o", "code"): 0x28, ("app.o", "bss"): 0x100,
                                 ("/usr/lib/libc_nano.a(memcpy.o)", "code"): 0x10})


class Bounds(unittest.TestCase):
    TABLE = "# x\nsize most 10 5 bytes\nlines least 80 95 percent\n"

    def test_each_side_of_a_bound(self):
        for size, lines, missed in ((10, 80, []), (11, 80, ["size"]), (10, 79, ["lines"])):
            values = {"size": size, "lines": lines, "other": 1}
            self.assertEqual(bounds.missed(values, "bound", self.TABLE), missed)
        self.assertEqual(bounds.missed({"size": 6}, "target", self.TABLE), ["size"])

    def test_no_bound_is_behind_its_target(self):
        for name, (most, bound, target) in bounds.rows().items():
            self.assertTrue(bound >= target if most else bound <= target, name)


class Whole(unittest.TestCase):
    def test_one_measurement(self):
        done = subprocess.run([str(ROOT / "bench/client-size")], capture_output=True, text=True,
                              check=False, stdin=subprocess.DEVNULL)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        found = json.loads(done.stdout)
        self.assertLessEqual(FIXED, set(found))
        self.assertEqual(found["missed"], [])


if __name__ == "__main__":
    unittest.main()
