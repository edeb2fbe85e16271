#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A check that cannot fail is no check: each one is given a small clean tree,
which it must accept, and one planted violation at a time, which it must name."""
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

import fuzzing

TOOLS = pathlib.Path(__file__).resolve().parent
SPDX = "/* SPDX-License-Identifier: Apache-2.0 */\n"
CLEAN = {
    "layers.txt": "base:\ncodec: base\ncore:\n<sys/epoll.h> codec\n<cmocka.h> test\nexport codec: only mqtt\n",
    "size-exceptions.txt": "",
    "ARCHITECTURE.md": "# Architecture\n\n## Mutable globals\n\n* `base_known`: listed.\n",
    "src/base/one.h": SPDX + "#pragma once\n\nint one_get(void);\n",
    "src/base/one.c": SPDX + '#include "base/one.h"\n\nint one_get(void)\n{\n    return 1;\n}\n',
    "src/codec/two.c": SPDX + '#include "base/one.h"\n#include <sys/epoll.h>\n\n'
                              "int mqtt_two(void);\nint mqtt_two(void)\n{\n    return one_get();\n}\n",
    "src/codec/two_test.c": SPDX + "/* [MQTT-1.2.3-4] */\n",
    "tests/conformance/statements.tsv":
        "id_311\tid_5\tstatement\tside\ttest\treason\n"
        "MQTT-1.2.3-4\tMQTT-1.2.3-5\tsaid\tserver\tcodec/two\t\n"
        "-\tMQTT-6.0.0-1\tsaid\tserver\t-\tno WebSocket\n",
    "src/core/limits_groups.tsv": "some_bytes\tprotocol\n",
    "src/core/limits.def": SPDX + 'LIMIT(some_bytes, "bytes", 1, 0, 2, "refused")\n',
    "fuzz/coverage.tsv": "function\ttarget\tby\n",
    "fuzz/record.tsv": fuzzing.write_record({}),
    "fuzz/findings.tsv": "target\twhat\ttest\n",
    "docs/fuzzing.md": "# Fuzzing\n" + fuzzing.BEGIN + fuzzing.END,
}
LONG = "int one_get(void)\n{\n" + "    one_get();\n" * 61 + "    return 1;\n}\n"
TANGLED = ("int one_get(void)\n{\n" + "    if (one_get() && one_get())\n        return 2;\n" * 8
           + "    return 1;\n}\n")
DEEP = ("int one_get(void)\n{\n"
        + "".join("    " * n + "if (one_get())\n" for n in range(1, 6))
        + "    " * 6 + "return 2;\n    return 1;\n}\n")
HEAD = SPDX + '#include "base/one.h"\n\n'


class Planted(unittest.TestCase):
    def setUp(self):
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="checks-"))
        self.addCleanup(shutil.rmtree, self.root)
        shutil.copy(TOOLS.parent / ".clang-format", self.root)
        for name, text in CLEAN.items():
            self.plant(name, text)

    def plant(self, name, text):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def run_check(self, check, *arguments):
        environment = {**os.environ, "GIT_CEILING_DIRECTORIES": str(self.root.parent)}
        done = subprocess.run([str(TOOLS / check), *arguments], cwd=self.root, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment,
                              check=False)
        return done.returncode, done.stdout

    def accepts(self, check, *arguments):
        code, text = self.run_check(check, *arguments)
        self.assertEqual(code, 0, text)

    def refuses(self, says, check, *arguments):
        code, text = self.run_check(check, *arguments)
        self.assertEqual(code, 1, text)
        self.assertIn(says, text)

    def test_layers(self):
        self.accepts("check-layers")
        for name, line, says in (
                ("src/base/bad.c", '#include "codec/two.h"', "base may use nothing, not codec"),
                ("src/base/bad.c", "#include <sys/epoll.h>", "is for codec only"),
                ("src/base/bad.c", "#include <cmocka.h>", "is for test only"),
                ("src/base/bad.c", '#include "one.h"', "write the path from src/"),
                ("src/base/bad.h", '#include "base/one.h"', "no #pragma once"),
                ("src/base/bad.h", '#pragma once\n#include "base/bad.h"', "include each other"),
                ("src/other/bad.c", "", "layer other has no line")):
            with self.subTest(line=line):
                self.plant(name, line + "\n")
                self.refuses(says, "check-layers")
                (self.root / name).unlink()

    def test_size(self):
        self.accepts("check-size")
        for body, says in (
                (LONG, "one_get: lines 65, limit 60"),
                (TANGLED, "one_get: complexity 17, limit 15"),
                (DEEP, "one_get: nesting 5, limit 4"),
                ("int one_get(int a, int b, int c, int d, int e, int f, int g)\n{\n"
                 "    return a;\n}\n", "one_get: parameters 7, limit 6"),
                ("int one_get(void)\n{\n#ifdef X\n    return 2;\n#endif\n    return 1;\n}\n",
                 "one_get: #if in a function"),
                ("\n" * 500, "503 lines, limit 500")):
            with self.subTest(says=says):
                self.plant("src/base/one.c", HEAD + body)
                self.refuses(says, "check-size")

    def test_size_exceptions(self):
        self.plant("src/base/one.c", HEAD + LONG)
        self.plant("size-exceptions.txt", "src/base/one.c:one_get lines 70 a table in code\n")
        self.accepts("check-size")
        self.plant("size-exceptions.txt", "src/base/one.c:one_get lines 70\n")
        self.refuses("wants: place what LIMIT reason", "check-size")
        self.plant("size-exceptions.txt", "src/base/one.c:one_get lines 70 a table in code\n")
        self.plant("src/base/one.c", CLEAN["src/base/one.c"])
        self.refuses("no longer needed", "check-size")

    def library(self, layer, stem, text):
        """Compiles one source as the build would, into build/src/LAYER."""
        place = self.root / "build" / "src" / layer
        place.mkdir(parents=True, exist_ok=True)
        source = self.root / f"{stem}.c"
        source.write_text(text, encoding="utf-8")
        subprocess.run(["gcc", "-fPIE", "-c", str(source), "-o", f"{stem}.c.o"], cwd=place,
                       check=True)
        subprocess.run(["ar", "rc", f"libtacit_{layer}.a", f"{stem}.c.o"], cwd=place, check=True)

    def test_symbols(self):
        self.refuses_nothing_built()
        good = ("int first_word_get(void) { return 1; }\nint first_set(void) { return 1; }\n"
                'int base_x;\nstatic const char *const words[] = { "a" };\n'
                "const char *const *base_words(void) { return words; }\n")
        self.library("base", "first_word", good.replace("base_x", "base_known"))
        self.library("codec", "two", "int mqtt_two(void) { return 1; }\n")
        self.accepts("check-symbols", "build")
        self.library("base", "first_word", "int other_get(void) { return 1; }\n")
        self.refuses("exports other_get", "check-symbols", "build")
        self.library("base", "first_word", "static int seen;\nint first_x(void) { return seen++; }\n")
        self.refuses("seen is a mutable global", "check-symbols", "build")
        self.library("base", "first_word", "int first_x(void) { return 1; }\n")
        self.library("codec", "two", "int two_get(void) { return 1; }\n")
        self.refuses("exports two_get", "check-symbols", "build")

    def refuses_nothing_built(self):
        self.refuses("no libraries", "check-symbols", "build")

    def test_statements(self):
        self.accepts("check-statements")
        table = CLEAN["tests/conformance/statements.tsv"]
        for old, new, says in (
                ("codec/two\t", "codec/three\t", "there is no test codec/three"),
                ("codec/two\t", "tests/x.py::test_x\t", "there is no test tests/x.py::test_x"),
                ("codec/two\t", "\t", "neither a test nor a reason"),
                ("no WebSocket", "", "neither a test nor a reason"),
                ("\tsaid\tserver\tcodec", "\t\tserver\tcodec", "column statement is empty"),
                ("MQTT-1.2.3-4\t", "MQTT-1.2.3-9\t", "MQTT-1.2.3-4 is not in"),
                ("MQTT-6.0.0-1", "MQTT-1.2.3-5", "stands in line 2 too")):
            with self.subTest(says=says):
                self.plant("tests/conformance/statements.tsv", table.replace(old, new))
                self.refuses(says, "check-statements")

    def test_format(self):
        self.accepts("check-format")
        self.plant("src/base/one.c", HEAD + "int one_get(void) { return 1; }\n")
        self.refuses("clang-format would change", "check-format")
        self.plant("src/base/one.c", CLEAN["src/base/one.c"].removeprefix(SPDX))
        self.refuses("wants /* SPDX", "check-format")

    def test_paths(self):
        self.accepts("check-paths")
        for line, says in (("see /wo" + "rk/main", "path of one machine"),
                           ("/ho" + "me/someone/x", "path of one machine"),
                           ("/* TO" + "DO later */", "a note to oneself"),
                           ("<" * 7 + " HEAD", "conflict mark"),
                           ("-----BEGIN PRIVATE" + " KEY-----", "private key")):
            with self.subTest(says=says):
                self.plant("docs/x.md", line + "\n")
                self.refuses(says, "check-paths")

    def test_freestanding(self):
        for layer in ("base", "codec", "ratchet", "client"):
            self.plant(f"src/{layer}/CMakeLists.txt", f"tacit_module({layer}\n    SOURCES one.c)\n")
            self.plant(f"src/{layer}/one.c", f"int {layer}_one(void);\nint {layer}_one(void)\n"
                                             "{\n    return 1;\n}\n")
        self.accepts("check-freestanding")
        self.plant("src/client/one.c", '#include "config.h"\n')
        self.refuses("does not compile by itself", "check-freestanding")
        self.plant("src/client/one.c", "extern const char client_table[];\n"
                                       "const char client_table[99999] = { 1 };\n")
        self.refuses("bytes of code, budget", "check-freestanding")

    @unittest.skipIf(shutil.which("systemd-analyze") is None, "systemd is not installed")
    def test_unit(self):
        good = (TOOLS.parent / "packaging/systemd/tacitd.service").read_text(encoding="utf-8")
        self.plant("packaging/systemd/tacitd.service", good)
        self.plant("src/confine/calls.def", "ALLOW(read)\nALLOW_IF(kill, 0, LOW, 0)\n")
        self.accepts("check-unit")
        self.plant("src/confine/calls.def", "ALLOW(read)\nALLOW(swapon)\n")
        self.refuses("refuses swapon", "check-unit")
        self.plant("packaging/systemd/tacitd.service", good.replace(" seccomp\n", "\n"))
        self.refuses("refuses seccomp", "check-unit")
        kept = [line for line in good.splitlines(keepends=True)
                if not line.startswith(("SystemCallFilter", "Protect", "Restrict"))]
        self.plant("packaging/systemd/tacitd.service", "".join(kept))
        self.refuses("is more exposed than 2.0", "check-unit")

    def test_fuzz(self):
        self.plant("src/codec/three.h", "/* x_decode(void); */\nint three_decode(int a,\n"
                                        "                 int b);\nvoid three_write(void);\n")
        self.refuses("src/codec/three.h: three_decode is not in", "check-fuzz")
        head, target = "function\ttarget\tby\n", "tacit_fuzz(three USES codec)\n"
        for rows, cmake, source, says in (
                ("three_decode\tthree\t\n", target, "three_decode(1, 2);", None),
                ("three_decode\tthree\tfour\n", target, "four();", None),
                ("three_decode\t-\ta reason\n", "", "", None),
                ("three_decode\t-\t\n", "", "", "neither a target nor a reason"),
                ("three_decode\tthree\t\n", "", "three_decode(1, 2);", "is no target three"),
                ("three_decode\tthree\t\n", target, "/* three_decode( */",
                 "does not call three_decode"),
                ("three_decode\tthree\tfour\n", target, "", "does not call four"),
                ("three_decode\t-\ta reason\nfive_read\t-\ta reason\n", "", "",
                 "no header declares five_read")):
            with self.subTest(says=says, rows=rows):
                self.plant("fuzz/coverage.tsv", head + rows)
                self.plant("fuzz/codec.cmake", cmake)
                self.plant("fuzz/three_fuzz.c", source)
                if says:
                    self.refuses(says, "check-fuzz")
                else:
                    self.accepts("check-fuzz")
        self.plant("fuzz/coverage.tsv", head + "three_decode\t-\ta reason\n")
        self.plant("fuzz/findings.tsv", "target\twhat\ttest\nthree\tit fell\tcodec/six\n")
        self.refuses("there is no test codec/six", "check-fuzz")

    def test_limits(self):
        place = "src/core/limits_test.c"
        self.plant("src/codec/two_test.c", SPDX + "static void two_at_most(void **state)\n{\n}\n")
        for row, says in (
                ('{ "some_bytes", 1, some_bytes, NULL },', None),
                ('{ "some_bytes", 1, NULL,\n "src/codec/two_test.c::two_at_most" },', None),
                ('{ "other_bytes", 1, other_bytes, NULL },', "some_bytes has no row"),
                ('{ "some_bytes", 1, NULL, "src/codec/two_test.c" },', "there is no test src/codec"),
                ('{ "some_bytes", 1, NULL, "src/codec/two_test.c::two" },', "has no test two"),
                ('{ "some_bytes", 1, NULL, NULL },', "there is no test NULL")):
            with self.subTest(row=row):
                self.plant(place, SPDX + row)
                if says:
                    self.refuses(says, "check-limits")
                else:
                    self.accepts("check-limits")

    def test_documents(self):
        groups = "src/core/limits_groups.tsv"
        self.refuses("is not current", "gen-docs", "--check")
        self.accepts("gen-docs")
        self.accepts("gen-docs", "--check")
        self.plant("src/core/limits.def", 'LIMIT(some_bytes, "bytes", 7, 0, 9, "refused")\n')
        self.plant(groups, "# none\n")
        self.refuses("some_bytes stands in one of", "gen-docs", "--check")
        self.plant(groups, "some_bytes\tnowhere\n")
        self.refuses("'nowhere' is none of", "gen-docs", "--check")
        self.plant(groups, "some_bytes\tmemory\n")
        self.refuses("docs/limits.md is not current", "gen-docs", "--check")
        self.accepts("gen-docs")
        self.plant("fuzz/findings.tsv", "target\twhat\ttest\none\tit fell\tbase/one\n")
        self.refuses("docs/fuzzing.md is not current", "gen-docs", "--check")


if __name__ == "__main__":
    unittest.main()
