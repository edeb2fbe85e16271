# SPDX-License-Identifier: Apache-2.0
"""Stacks of a profiled server: what `perf script` prints, read, with the functions that were inlined, folded
into {stack: samples}, and told apart by what the time went into: the kernel by kind of call, OpenSSL, libc,
and tacit by directory of src/.

A frame is written "name@part" in a folded stack, frames are separated by ";", the outermost is first."""
import collections
import pathlib
import re
import subprocess

FRAME = re.compile(r"^\s+([0-9a-f]+) (.*?)(?:\+0x[0-9a-f]+)? \((.*)\)$")
SOURCE = re.compile(r"/src/([a-z_]+)/[^/]+$")
KERNEL, OPENSSL, LIBC, OTHER = "kernel", "OpenSSL", "libc", "other libraries"
LIBRARIES = ((("libssl", "libcrypto"), OPENSSL), (("ld-",), "dynamic linker"), (("libseccomp",), "libseccomp"),
             (("libc.", "libm.", "libpthread", "libgcc_s", "[vdso]"), LIBC))
# What the kernel was asked for: the first that is found among its frames and the one that called it.
CALLS = (("send", re.compile(r"send(to|m?msg)|sock_write")),
         ("receive", re.compile(r"recv(from|m?msg)?$|recv(from|m?msg)|sock_read")),
         ("wait for events", re.compile(r"epoll_p?wait|ep_poll")),
         ("epoll_ctl", re.compile(r"epoll_ctl")),
         ("accept", re.compile(r"accept")),
         ("close", re.compile(r"close|shutdown")),
         ("socket options", re.compile(r"sockopt")),
         ("locks and wake-ups", re.compile(r"futex|lll_lock|pthread_")),
         ("memory", re.compile(r"page_fault|munmap|mmap|madvise|brk")),
         ("files", re.compile(r"open|stat|sync|write|read|unlink|rename|getdents")))


def script(data, fields, *more):
    """What perf script prints of a file of perf record, which is taken away."""
    done = subprocess.run(["perf", "script", "--no-inline", "-F", fields, *more, "-i", str(data)],
                          capture_output=True, text=True, check=True)
    data.unlink()
    return done.stdout


def part_of_library(library):
    if library.startswith("[kernel") or library.startswith("[guest"):
        return KERNEL
    name = pathlib.PurePath(library).name
    return next((part for prefixes, part in LIBRARIES if name.startswith(prefixes)), OTHER)


class Lines:
    """Where an address of one program stands in the source, inlined functions included: asked once,
    for all addresses together. [(function, file), ...], the innermost first."""

    def __init__(self, program):
        self.program = str(program)
        self.own = "tacit" if pathlib.Path(program).name == "tacitd" else pathlib.Path(program).name
        self.found = {}

    def look_up(self, addresses):
        wanted = sorted(addresses)
        if not wanted:
            return
        done = subprocess.run(["addr2line", "-a", "-f", "-i", "-e", self.program],
                              input="\n".join(f"{address:x}" for address in wanted),
                              capture_output=True, text=True, check=True)
        for line in done.stdout.splitlines():
            if line.startswith("0x"):
                self.found[int(line, 16)] = places = []
                function = None
            elif function is None:
                function = line
            else:
                places.append((function, line.rsplit(":", 1)[0]))
                function = None

    def frames(self, address, symbol):
        """As "name@part", the outermost first. What stands in a header of the system is part of who
        includes it."""
        part, frames = None, []
        for function, file in reversed(self.found.get(address, [])):
            directory = SOURCE.search(file)
            part = f"tacit {directory.group(1)}" if directory else part or self.own
            frames.append(f"{symbol if function == '??' else function}@{part}")
        return frames or [f"{symbol}@{self.own}"]


def samples_of(text):
    """[[(address, symbol, library), ...], ...], the innermost first."""
    sample = []
    for line in text.splitlines():
        match = FRAME.match(line)
        if match:
            sample.append((int(match.group(1), 16), match.group(2), match.group(3)))
        elif sample:
            yield sample
            sample = []
    if sample:
        yield sample


def known(sample):
    """Without what could not be unwound at the end, or was taken for a return to the heap."""
    return [frame for frame in sample if frame[2] not in ("[unknown]", "//anon")]


def where_called(index, address):
    """An address that is returned to belongs to the call before it."""
    return address if index == 0 else address - 1


def folded(samples, program):
    """The stack of each sample of this program, in their order; "" where nothing is known."""
    samples = [known(sample) for sample in samples]
    lines, name = Lines(program), pathlib.Path(program).name
    is_own = {library: pathlib.PurePath(library).name == name
              for sample in samples for _, _, library in sample}
    lines.look_up({where_called(index, address) for sample in samples
                   for index, (address, _, library) in enumerate(sample) if is_own[library]})
    for sample in samples:
        frames = []
        for index in range(len(sample) - 1, -1, -1):
            address, symbol, library = sample[index]
            if is_own[library]:
                frames += lines.frames(where_called(index, address), symbol)
            else:
                part = part_of_library(library)
                frame = f"({part})@{part}" if symbol == "[unknown]" else f"{symbol}@{part}"
                if not frames or frame != frames[-1] or symbol != "[unknown]":
                    frames.append(frame)
        yield ";".join(frame.replace(";", ":") for frame in frames)


def fold(text, program):
    """{stack: samples} of a perf script of this program."""
    stacks = collections.Counter(stack for stack in folded(samples_of(text), program) if stack)
    return dict(sorted(stacks.items()))


def part_of(stack, calls=CALLS):
    """What the time of this stack went into: the part of its innermost frame, of the kernel with the
    kind of call."""
    frames = stack.split(";")
    part = frames[-1].rsplit("@", 1)[1]
    if part != KERNEL:
        return part
    names = [frame.rsplit("@", 1) for frame in frames]
    first = next(index for index, (_, part) in enumerate(names) if part == KERNEL)
    asked = [name for name, _ in names[max(0, first - 1):]]
    return next((f"{KERNEL}: {call}" for call, pattern in calls
                 if any(pattern.search(name) for name in asked)), f"{KERNEL}: other")


def shares(stacks, calls=CALLS):
    """{part: share of all samples}, the largest first."""
    parts = collections.Counter()
    for stack, count in stacks.items():
        parts[part_of(stack, calls)] += count
    total = sum(parts.values())
    return {part: count / total for part, count in
            sorted(parts.items(), key=lambda item: (-item[1], item[0]))}
