# SPDX-License-Identifier: Apache-2.0
"""A server that sends everybody elsewhere: MQTT 5 over TLS, with the certificate of a broker."""

import ssl

from support.listening import Listening

USE_ANOTHER_SERVER = 0x9C


class Signpost(Listening):
    """Answers each CONNECT by the next of `references`, the last one again and again. All of
    127.0.0.0/8 leads here, and all of it takes the tickets that any of it gave."""

    def __init__(self, certificate, key, references):
        self.references, self.names, self.resumed = list(references), [], []
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(certificate, key)
        self.context.set_alpn_protocols(["mqtt"])
        super().__init__("0.0.0.0")

    def meet(self, plain):
        plain.settimeout(10)
        try:
            with self.context.wrap_socket(plain, server_side=True) as stream:
                self.answer(stream)
        except OSError:
            plain.close()  # it does not like what it sees

    def answer(self, stream):
        if not stream.recv(4096):
            return
        self.names.append(stream.getsockname()[0])
        self.resumed.append(stream.session_reused)
        reference = self.references.pop(0) if len(self.references) > 1 else self.references[0]
        text = reference.format(port=self.port).encode()
        block = b"\x1c" + len(text).to_bytes(2, "big") + text
        body = bytes([0, USE_ANOTHER_SERVER, len(block)]) + block
        stream.sendall(bytes([0x20, len(body)]) + body)
        stream.recv(1)  # until it hangs up
