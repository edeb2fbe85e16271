# SPDX-License-Identifier: Apache-2.0
"""A bad network: a TCP relay on loopback that cuts connections and swallows what is sent."""

import itertools
import socket
import struct
import threading

from support.listening import Listening

RESET = struct.pack("ii", 1, 0)  # SO_LINGER: what is still on its way is thrown away


class Lossy(Listening):
    """Connections to `port` are relayed to `target`. `budgets` says for each connection after how
    many bytes, both ways together, it is reset: what is on its way then is lost. None: never."""

    def __init__(self, target, budgets=()):
        super().__init__("127.0.0.1")
        self.target = target
        self.budgets = itertools.chain(budgets, itertools.repeat(None))
        self.silent = threading.Event()
        self.lock, self.open, self.connections, self.resets = threading.Lock(), set(), 0, 0

    def __exit__(self, *rest):
        super().__exit__(*rest)
        self.cut()

    def meet(self, plain):
        self.connections += 1
        try:
            far = socket.create_connection(("127.0.0.1", self.target))
        except OSError:
            plain.close()
            return
        pair = Pair(self, plain, far, next(self.budgets))
        with self.lock:
            self.open.add(pair)
        pair.start()

    def cut(self):
        """Resets everything that is open."""
        with self.lock:
            pairs = list(self.open)
        for pair in pairs:
            pair.reset()


class Pair:
    def __init__(self, relay, near, far, budget):
        self.relay, self.ends, self.budget = relay, (near, far), budget

    def start(self):
        for source, sink in (self.ends, self.ends[::-1]):
            threading.Thread(target=self.pump, args=(source, sink), daemon=True).start()

    def pump(self, source, sink):
        try:
            while data := source.recv(1400):
                if self.relay.silent.is_set():
                    continue
                sink.sendall(data[:self.take(len(data))])
                if self.budget == 0:
                    break
        except OSError:
            pass
        self.reset()

    def take(self, wanted):
        """Bytes that may pass still."""
        with self.relay.lock:
            if self.budget is None:
                return wanted
            allowed = min(wanted, self.budget)
            self.budget -= allowed
            return allowed

    def reset(self):
        with self.relay.lock:
            if self not in self.relay.open:
                return
            self.relay.open.discard(self)
            self.relay.resets += self.budget == 0  # here, as both ways can find nothing left
        for end in self.ends:
            end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            try:
                end.shutdown(socket.SHUT_RDWR)  # wakes whoever waits in recv
            except OSError:
                pass
            end.close()
