# SPDX-License-Identifier: Apache-2.0
"""Somebody who listens, in a thread of its own."""

import socket
import threading

from support.ports import free_port


class Listening:
    """Meets each connection by meet(), one after the other, until the end of the `with`."""

    def __init__(self, address):
        self.port = free_port()
        self.listener = socket.create_server((address, self.port))
        self.thread = threading.Thread(target=self.serve, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join()

    def serve(self):
        while True:
            try:
                plain, _ = self.listener.accept()
            except OSError:
                return
            self.meet(plain)

    def meet(self, plain):
        raise NotImplementedError
