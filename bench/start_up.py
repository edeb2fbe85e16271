# SPDX-License-Identifier: Apache-2.0
"""Where the time of a start goes, from the generator's fork to CONNACK: some starts of each server with the state
that an earlier one has left, each run as like-for-like does it, profiled by the clock of the CPU.

Each program has a single core. So when none of its threads and processes runs, its start waits, and what
it waits for is what the last of them asked the kernel for before it went to sleep. The kernel tells perf when each
comes and goes (--switch-events), and at the tracepoint sched_switch with what stack it goes.

`ms` is the mean time of a start that is profiled, `parts` {subject: {part: ms}}, `stacks` {stack: us of all
starts}, waits included."""
import collections
import re
import shutil
import subprocess

from like_for_like import start_once
from measure import CLIENT_CORE
from scenarios import PLAIN, Scenario
import stacks
import subjects
from subjects import say

NAME = "start-up"
ORDER = ("tacitd", "floor", "mosquitto")
STARTS, STARTS_SHORT = 12, 1
HERTZ, STACK_BYTES = 4999, 16384
# A server that ends at once leaves another state than one that has worked for a while: tacitd fills spare segments.
SETTLE = {"tacitd": ()}
SETTLE_NONE = ("--settle", "0")
GENERATOR, BEFORE = "mqload", "fork, taskset and env, before exec"
OTHERS = (GENERATOR, "taskset", "env")
CLOCK, TRACEPOINT = "cpu-clock", "sched:sched_switch"
IN, OUT = "PERF_RECORD_SWITCH IN", "PERF_RECORD_SWITCH OUT"
EVENT = re.compile(r"^\s*(?P<comm>\S.*?)\s+(?P<pid>\d+)/(?P<tid>\d+)\s+(?P<s>\d+)\.(?P<ns>\d{9}):\s+"
                   r"(?P<what>\S.*?)\s*$")
CALLS = (("exec", re.compile(r"execve|load_elf")),
         ("fork and threads", re.compile(r"fork|clone|copy_process")),
         ("page faults", re.compile(r"page_fault|do_fault")),
         ("mappings", re.compile(r"mmap|munmap|mprotect|madvise|_brk|mremap")),
         ("confinement", re.compile(r"seccomp|prctl|landlock|unshare|mount|chroot")),
         ("end of processes and threads", re.compile(r"do_exit|exit_group")),
         ("sync", re.compile(r"f(data)?sync")),
         ("sockets", re.compile(r"sock|bind|listen|accept|sendm?|recv|connect")),
         ("files", re.compile(r"open|stat|sync|write|read|unlink|rename|getdents|fallocate|lseek|truncate|close|"
                              r"fcntl|flock|mkdir|readlink")),
         ("events and wake-ups", re.compile(r"poll|futex|pthread_|schedule")))
WAITS = (("disk, at a sync", re.compile(r"f(data)?sync")),
         ("a client, or events", re.compile(r"epoll")),
         ("the other process", re.compile(r"poll|recv")),
         ("a thread", re.compile(r"futex")),
         ("disk, at a read or write", re.compile(r"read|write|page_fault|io_schedule")),
         ("the end of a process", re.compile(r"wait4|waitid")))
HELD = "waits: another program has the core"


class Event:
    def __init__(self, match):
        self.comm, self.what = match["comm"], match["what"]
        self.pid, self.tid = int(match["pid"]), int(match["tid"])
        self.ns = int(match["s"]) * 10 ** 9 + int(match["ns"])
        self.sample = []  # as stacks.samples_of() has it
        self.stack = ""


def events_of(text):
    """Of a perf script with tasks and switches, in their order."""
    found = []
    for line in text.splitlines():
        frame = stacks.FRAME.match(line)
        if frame and found:
            found[-1].sample.append((int(frame.group(1), 16), frame.group(2), frame.group(3)))
            continue
        match = EVENT.match(line)
        if match:
            found.append(Event(match))
    return found


def of_the_start(events, wall_ns):
    """(when it begins, the events of the server till CONNACK)."""
    generator = next(event.pid for event in events if event.what.startswith(f"PERF_RECORD_COMM exec: {GENERATOR}:"))
    forked = re.compile(rf"PERF_RECORD_FORK\((\d+):\1\):\({generator}:")
    begin = next(event.ns for event in events if forked.match(event.what))
    return begin, [event for event in events
                   if event.pid != generator and begin <= event.ns <= begin + wall_ns]


def wait_of(out, last):
    """The stack of a wait that begins with this switch, `last` the tracepoint before it."""
    if out.comm in OTHERS:
        return f"(waits)@{BEFORE}"
    if "preempt" in out.what or last is None:
        return f"{last.stack + ';' if last else ''}(held)@{HELD}"
    names = [frame.rsplit("@", 1)[0] for frame in last.stack.split(";") if frame.endswith(f"@{stacks.KERNEL}")]
    kind = next((kind for kind, pattern in WAITS if any(pattern.search(name) for name in names)), "other")
    return f"{last.stack};(waits)@waits: {kind}"


def waits_of(events, begin, end):
    """{stack: ns} of the time in which nothing of the server ran."""
    waits, running, last = collections.Counter(), set(), {}
    since, reason = begin, f"(waits)@{BEFORE}"
    for event in events:
        if event.what.startswith(TRACEPOINT):
            last[event.tid] = event
        elif event.what == IN:
            if not running:
                waits[reason] += event.ns - since
            running.add(event.tid)
        elif event.what.startswith(OUT):
            running.discard(event.tid)
            switch = last.pop(event.tid, None)
            if not running:
                since, reason = event.ns, wait_of(event, switch)
    if not running:
        waits[reason] += end - since
    return waits


def stacks_of(text, program, wall_ns):
    """({stack: ns}, samples) of one start; they are as long as it together."""
    begin, events = of_the_start(events_of(text), wall_ns)
    sampled = [event for event in events if event.sample]
    for event, stack in zip(sampled, stacks.folded([event.sample for event in sampled], program)):
        event.stack = stack
    total = waits_of(events, begin, begin + wall_ns)
    clocked = [event for event in sampled if event.what.startswith(CLOCK) and event.stack]
    busy_ns = wall_ns - sum(total.values())
    for event in clocked:
        is_before = event.comm in OTHERS
        total[f"(others)@{BEFORE}" if is_before else event.stack] += busy_ns / len(clocked)
    return total, len(clocked)


def copied_libraries(tools, place):
    """A folder with those of the programs that run before the server in its process. perf 6.1 takes a library that one
    program has mapped for where the next one has it, and then finds no callers in it."""
    folder = place / "libraries"
    if folder.exists():
        return folder
    folder.mkdir()
    done = subprocess.run(["ldd", tools / GENERATOR, *(shutil.which(name) for name in OTHERS[1:])],
                          capture_output=True, text=True, check=True)
    for library in set(re.findall(r"=> (/\S+)", done.stdout)):
        shutil.copy(library, folder)
    return folder


def profile_once(subject, tools, place, scenario):
    """(ms from exec to CONNACK, {stack: ns}, samples)."""
    data = place / "perf.data"
    watch = ["env", f"LD_LIBRARY_PATH={copied_libraries(tools, place)}", "taskset", "-c", str(CLIENT_CORE),
             "perf", "record", "-q", "--switch-events", "-c", "1", "-e", TRACEPOINT, "-e", f"cpu-clock/freq={HERTZ}/",
             "--call-graph", f"dwarf,{STACK_BYTES}", "-o", str(data), "--"]
    run = start_once(tools, place, subject, scenario, watch, SETTLE.get(subject, SETTLE_NONE),
                     ("env", "-u", "LD_LIBRARY_PATH"))
    if run["connack_ms"] < 0:
        raise RuntimeError(f"{NAME}: {subject}: no CONNACK")
    program = subjects.ARGV[subject](tools, place, scenario, 0, keeps_state=True)[0]
    text = stacks.script(data, "comm,pid,tid,time,event,ip,sym,symoff,dso", "--ns", "--show-task-events",
                         "--show-switch-events")
    return run["connack_ms"], *stacks_of(text, program, round(run["connack_ms"] * 1e6))


def profile(subject, tools, place, scenario, starts):
    """(mean ms, {stack: us of all starts}, samples)."""
    start_once(tools, place, subject, scenario, more=SETTLE.get(subject, SETTLE_NONE))  # leaves what the next find
    total, samples, ms = collections.Counter(), 0, 0
    for _ in range(starts):
        one_ms, found, count = profile_once(subject, tools, place, scenario)
        total.update(found)
        samples += count
        ms += one_ms / starts
    return ms, {stack: round(ns / 1000) for stack, ns in sorted(total.items()) if ns >= 500}, samples


def measure(tools, place, is_short):
    """The row."""
    scenario, starts = Scenario("startup", PLAIN, "p2p"), STARTS_SHORT if is_short else STARTS
    row = {"row": NAME, "args": "startup", "wire": PLAIN, "of": "start", "starts": starts,
           "tool": f"perf record, cpu-clock, {HERTZ:,} Hz, and {TRACEPOINT}",
           "ms": {}, "parts": {}, "samples": {}}
    for subject in ORDER:
        if subjects.missing(subject, scenario):
            continue
        ms, found, row["samples"][subject] = profile(subject, tools, place, scenario, starts)
        row["ms"][subject] = round(ms, 3)
        row["parts"][subject] = {part: round(share * ms, 4) for part, share in stacks.shares(found, CALLS).items()}
        if subject == "tacitd":
            row["stacks"] = found
        say(f"flame {NAME} {subject}: {starts} starts, {ms:.1f} ms, {row['samples'][subject]} samples")
    return row
