# SPDX-License-Identifier: Apache-2.0
"""Certificates as no tool would make them: any bytes in a common name, of any ASN.1 type."""

import ssl
import time

UTF8, PRINTABLE, T61, IA5, UNIVERSAL, BMP = 0x0C, 0x13, 0x14, 0x16, 0x1C, 0x1E
COMMON_NAME, ORGANIZATION = bytes.fromhex("0603550403"), bytes.fromhex("060355040a")
ECDSA_SHA256 = bytes.fromhex("300a06082a8648ce3d040302")
CLIENT_AUTH = bytes.fromhex("a317301530130603551d25040c300a06082b06010505070302")


def tlv(tag, *parts):
    body = b"".join(parts)
    size = len(body)
    if size < 0x80:
        return bytes([tag, size]) + body
    digits = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(digits)]) + digits + body


def name(*attributes):
    """Of (object identifier, ASN.1 type, bytes)."""
    return tlv(0x30, *(tlv(0x31, tlv(0x30, kind, tlv(tag, value)))
                       for kind, tag, value in attributes))


def stamp(seconds):
    return tlv(0x17, time.strftime("%y%m%d%H%M%SZ", time.gmtime(seconds)).encode())


def certificate(issuer, subject, public_key, serial, sign):
    """PEM. `public_key` is in DER, sign(bytes) an ECDSA signature with SHA-256 in DER."""
    now = time.time()
    body = tlv(0x30, b"\xa0\x03\x02\x01\x02", tlv(0x02, b"\x01" + serial.to_bytes(8, "big")), ECDSA_SHA256,
               issuer, tlv(0x30, stamp(now - 3600), stamp(now + 86400)), subject, public_key,
               CLIENT_AUTH)
    return ssl.DER_cert_to_PEM_cert(
        tlv(0x30, body, ECDSA_SHA256, tlv(0x03, b"\x00", sign(body))))
