# SPDX-License-Identifier: Apache-2.0
"""Which thread of a process a connection is watched by, as root sees it."""

import contextlib
import os
import pathlib
import re
import socket


def peer(text):
    """As getsockname() of the other side has it: peers from two addresses may have the same port."""
    address, port = text.split(":")
    return socket.inet_ntoa(bytes.fromhex(address)[::-1]), int(port, 16)


def loops_by_peer(process, port):
    """{(the peer's address, its port): descriptor of the epoll that watches the connection} of those
    accepted on that port of IPv4."""
    inodes = {}
    for line in pathlib.Path(f"/proc/{process}/net/tcp").read_text().splitlines()[1:]:
        words = line.split()
        if int(words[1].split(":")[1], 16) == port and peer(words[2])[1] != 0:
            inodes[words[9]] = peer(words[2])
    peers, loops = {}, {}
    folder = pathlib.Path(f"/proc/{process}/fd")
    for entry in folder.iterdir():
        with contextlib.suppress(OSError):
            found = re.fullmatch(r"socket:\[(\d+)\]", os.readlink(entry))
            if found and found.group(1) in inodes:
                peers[int(entry.name)] = inodes[found.group(1)]
            elif os.readlink(entry) == "anon_inode:[eventpoll]":
                loops[int(entry.name)] = (folder.parent / "fdinfo" / entry.name).read_text()
    return {peers[watched]: loop for loop, text in loops.items()
            for watched in map(int, re.findall(r"^tfd:\s+(\d+)", text, re.M)) if watched in peers}
