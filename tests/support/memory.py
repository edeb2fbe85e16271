# SPDX-License-Identifier: Apache-2.0
"""The memory of a running process, as root sees it."""

import re

MOST = 1 << 28  # a larger piece is the shadow of a sanitizer
HEAD = re.compile(r"([0-9a-f]+)-([0-9a-f]+) (rw..) ")


def pieces(pid):
    """(begin, end, set of the kernel's flags) of each that can be written to."""
    found = []
    with open(f"/proc/{pid}/smaps", encoding="ascii", errors="replace") as smaps:
        for line in smaps:
            head = HEAD.match(line)
            if head or re.match(r"[0-9a-f]+-", line):
                begin, end = (int(head.group(i), 16) for i in (1, 2)) if head else (0, 0)
            elif line.startswith("VmFlags:") and 0 < end - begin <= MOST:
                found.append((begin, end, set(line.split()[1:])))
    return found


def found_in(pid, mark):
    """Address and flags of each place where these bytes are."""
    found = []
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        for begin, end, flags in pieces(pid):
            try:
                memory.seek(begin)
                data = memory.read(end - begin)
            except (OSError, ValueError, OverflowError):
                continue
            at = data.find(mark)
            while at >= 0:
                found.append((begin + at, flags))
                at = data.find(mark, at + 1)
    return found
