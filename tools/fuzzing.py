# SPDX-License-Identifier: Apache-2.0
"""What the tools share that run the fuzz targets: where things lie, how one target is run and what
libFuzzer says of it, the table of a run, and the record of all runs."""
import collections
import csv
import dataclasses
import io
import os
import pathlib
import re
import signal
import subprocess
import threading

ROOT = pathlib.Path(__file__).resolve().parent.parent
PROGRAMS = ROOT / "build" / "fuzz" / "fuzz"
CORPUS = ROOT / "build" / "corpus"  # grows from run to run; fuzz/corpus is its small core
SEEDS = ROOT / "fuzz" / "corpus"
DICTIONARIES = ROOT / "fuzz" / "dictionaries"
ARTIFACTS = ROOT / "build" / "findings"  # inputs that break a promise
LOGS = ROOT / "build" / "log"
MOST_INPUT_BYTES = 4096
INTERRUPTED = 72  # exit code of libFuzzer when it was told to stop
# Seconds one input may take. Far more than any does, so that a busy machine is no finding.
INPUT_SECONDS = 25
SANITIZERS = {
    "ASAN_OPTIONS": "detect_leaks=1:abort_on_error=0",
    "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1",
}
BUILD = (["cmake", "--preset", "fuzz"], ["cmake", "--build", "--preset", "fuzz", "--target", "fuzz"])

STATUS = re.compile(r"^#(\d+)\s+\w+(?:\s+cov: (\d+))?(?:\s+ft: (\d+))?(?:\s+corp: (\d+)/)?", re.M)
EXECUTED = re.compile(r"^stat::number_of_executed_units:\s*(\d+)", re.M)
SUMMARY = re.compile(r"^SUMMARY: (.+)|^==\d+== (?:ERROR: )?(libFuzzer: (?!run interrupted).+)", re.M)


@dataclasses.dataclass
class Outcome:
    """What one run of one target came to."""
    executions: int = 0
    edges: int = 0
    features: int = 0
    corpus: int = 0       # inputs
    finding: str = ""     # empty: none
    seconds: float = 0.0  # of processor time


def outcome_of(text, code):
    """Reads what libFuzzer wrote. `code` is its exit code: a run that ended badly and does not say
    why is a finding as well."""
    found = Outcome()
    for executed, edges, features, corpus in STATUS.findall(text):
        found.executions = int(executed)
        # A line without coverage says nothing new of it.
        found.edges = int(edges or found.edges)
        found.features = int(features or found.features)
        found.corpus = int(corpus or found.corpus)
    executed = EXECUTED.findall(text)
    if executed:
        found.executions = int(executed[-1])
    if code not in (0, INTERRUPTED):
        said = ["".join(groups) for groups in SUMMARY.findall(text)]
        found.finding = said[-1] if said else f"exit code {code}"
    return found


def targets(only=()):
    """The names of the targets that are built; of these `only`, where it is not empty."""
    built = sorted(path.name.removesuffix("-fuzz") for path in PROGRAMS.glob("*-fuzz"))
    return [name for name in built if not only or name in only]


def command(name, seconds):
    """How a target is run for so many seconds."""
    argv = [str(PROGRAMS / f"{name}-fuzz"), f"-max_total_time={seconds}",
            f"-timeout={INPUT_SECONDS}", "-rss_limit_mb=2048", f"-max_len={MOST_INPUT_BYTES}",
            "-print_final_stats=1", f"-artifact_prefix={ARTIFACTS}/{name}-", str(CORPUS / name)]
    if (SEEDS / name).is_dir():
        argv.append(str(SEEDS / name))
    dictionary = DICTIONARIES / f"{name}.dict"
    if dictionary.exists():
        argv.append(f"-dict={dictionary}")
    return argv


class Runner:
    """Runs targets, side by side if asked from several threads, until it is told to stop."""

    def __init__(self):
        self.lock = threading.Lock()
        self.children = set()
        self.is_stopped = False

    def run(self, name, seconds):
        """Its log stays in build/log."""
        for folder in (CORPUS / name, ARTIFACTS, LOGS):
            folder.mkdir(parents=True, exist_ok=True)
        log = LOGS / f"fuzz-{name}.log"
        with open(log, "w", encoding="utf-8") as out:
            with self.lock:
                if self.is_stopped:
                    return Outcome()
                # Its own session: an interrupt of the terminal comes to it by stop() alone.
                child = subprocess.Popen(command(name, seconds), cwd=ROOT, stdout=out,
                                         stderr=subprocess.STDOUT, start_new_session=True,
                                         env={**os.environ, **SANITIZERS})
                self.children.add(child)
            _, status, usage = os.wait4(child.pid, 0)
            with self.lock:
                child.returncode = os.waitstatus_to_exitcode(status)
                self.children.discard(child)
        found = outcome_of(log.read_text(encoding="utf-8", errors="replace"), child.returncode)
        found.seconds = usage.ru_utime + usage.ru_stime
        return found

    def stop(self):
        """Whoever runs ends at once and is still counted; nobody starts any more."""
        with self.lock:
            self.is_stopped = True
            for child in self.children:
                child.send_signal(signal.SIGINT)


# ---- the table of a run ----

COLUMNS = (f"{'target':<22} {'executions':>11} {'per second':>11} {'edges':>6} {'features':>8} "
           f"{'corpus':>6} {'findings':>8}")


def row(name, found):
    speed = found.executions / found.seconds if found.seconds else 0
    said = f"  {found.finding}" if found.finding else ""
    return (f"{name:<22} {found.executions:>11,} {speed:>11,.0f} {found.edges:>6,} "
            f"{found.features:>8,} {found.corpus:>6,} {int(bool(found.finding)):>8}{said}")


def total(outcomes):
    """The last line: what is different in every target is not added up."""
    executions = sum(found.executions for found in outcomes)
    seconds = sum(found.seconds for found in outcomes)
    findings = sum(bool(found.finding) for found in outcomes)
    return (f"{len(outcomes):<3} {'targets':<18} {executions:>11,} "
            f"{executions / seconds if seconds else 0:>11,.0f} {'':>6} {'':>8} "
            f"{sum(found.corpus for found in outcomes):>6,} {findings:>8}")


# ---- the record of all runs ----

RECORD = pathlib.Path("fuzz/record.tsv")
FINDINGS = pathlib.Path("fuzz/findings.tsv")
DOCUMENT = pathlib.Path("docs/fuzzing.md")
BEGIN = "<!-- The table is made from fuzz/record.tsv and fuzz/findings.tsv by tools/gen-docs. -->\n"
END = "<!-- End of the table. -->\n"
FIELDS = ("target", "cpu_seconds", "executions", "edges", "features", "corpus", "date", "commit")
TABLE_HEAD = """
| target | CPU-hours | executions | edges | features | corpus | findings fixed | last run | at commit |
|---|--:|--:|--:|--:|--:|--:|---|---|
"""


def read_table(text):
    """Rows of tab-separated text with a head line."""
    return list(csv.DictReader(io.StringIO(text), delimiter="\t", quoting=csv.QUOTE_NONE))


def read_record(text):
    """{target: row}, numbers as numbers."""
    record = {}
    for line in read_table(text):
        record[line["target"]] = {
            **line, "cpu_seconds": float(line["cpu_seconds"]),
            **{field: int(line[field]) for field in ("executions", "edges", "features", "corpus")}}
    return record


def add_to_record(record, name, found, date, commit):
    """Processor time and executions add up over runs; coverage and corpus are those of the last
    run, which began with what the earlier ones had found."""
    before = record.get(name, {"cpu_seconds": 0.0, "executions": 0})
    record[name] = {
        "target": name,
        "cpu_seconds": before["cpu_seconds"] + found.seconds,
        "executions": before["executions"] + found.executions,
        "edges": found.edges, "features": found.features, "corpus": found.corpus,
        "date": date, "commit": commit}


def write_record(record):
    lines = ["\t".join(FIELDS)]
    for name in sorted(record):
        line = {**record[name], "cpu_seconds": f"{record[name]['cpu_seconds']:.1f}"}
        lines.append("\t".join(str(line[field]) for field in FIELDS))
    return "\n".join(lines) + "\n"


def record_table(record, findings):
    """The table of docs/fuzzing.md; `findings` are rows with a target each."""
    fixed = collections.Counter(finding["target"] for finding in findings)
    text = TABLE_HEAD
    for name in sorted(record):
        line = record[name]
        text += (f"| {name} | {line['cpu_seconds'] / 3600:.3f} | {line['executions']:,} "
                 f"| {line['edges']:,} | {line['features']:,} | {line['corpus']:,} "
                 f"| {fixed[name]} | {line['date']} | {line['commit']} |\n")
    hours = sum(line["cpu_seconds"] for line in record.values()) / 3600
    executions = sum(line["executions"] for line in record.values())
    return text + (f"| **{len(record)} targets** | **{hours:.2f}** | **{executions:,}** | | | "
                   f"| **{sum(fixed.values())}** | | |\n\n")


def document():
    """docs/fuzzing.md with its table made anew; the tree is the current folder."""
    before, _, rest = DOCUMENT.read_text(encoding="utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    table = record_table(read_record(RECORD.read_text(encoding="utf-8")),
                         read_table(FINDINGS.read_text(encoding="utf-8")))
    return before + BEGIN + table + END + after
