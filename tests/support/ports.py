# SPDX-License-Identifier: Apache-2.0
"""Ports to listen on that nobody else gets: not another worker, nor another run on this machine,
nor a connection on its way out (those have ports from 32768 on)."""

import functools
import itertools
import random
import socket

FIRST, LAST, BLOCK = 20000, 32000, 400


def claim(start):
    """The block of ports that begins at start is ours as long as this socket is open, which is as
    long as the process runs. The kernel gives a name to one process only; None: it has an owner."""
    one = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        one.bind(f"\0tacit-test-ports-{start}")
    except OSError:
        one.close()
        return None
    return one


@functools.cache
def ours():
    """The socket that claims a block, and its ports, again and again."""
    starts = list(range(FIRST, LAST, BLOCK))
    random.shuffle(starts)
    for start in starts:
        owner = claim(start)
        if owner is not None:
            return owner, itertools.cycle(range(start, start + BLOCK, 2))
    raise RuntimeError(f"all ports from {FIRST} to {LAST} belong to other runs of the tests")


def is_free(port):
    """Connections that have ended may still have the port; somebody who listens may not."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def free_port():
    """An even one: the next is free as well, where tacitd puts enrolment when nobody says where."""
    _, ports = ours()
    for port in itertools.islice(ports, BLOCK // 2):
        if is_free(port) and is_free(port + 1):
            return port
    raise RuntimeError("no port is free")
