# SPDX-License-Identifier: Apache-2.0
"""I1: enrolment over HTTPS (EST). A device makes its key, and a one-time token, its manufacturer or
the certificate it has speaks for it. `tacit enroll` is one client of many: curl and openssl do."""

import contextlib
import json
import random
import signal
import socket
import sqlite3
import ssl
import subprocess
import threading
import time

import pytest

from support.broker import FOREIGN, TACIT, TACITD
from support.enrolled import Home
from support.patience import WITHIN_S, patience, times
from support.ports import free_port
from support.secure import House

pytestmark = pytest.mark.skipif(FOREIGN or not TACIT.exists(), reason="about tacitd and tacit")

ROOT = "/.well-known/est/"


# -- the parts -------------------------------------------------------------------------------------

def run(*arguments, given=None, code=0):
    done = subprocess.run(list(map(str, arguments)), input=given, capture_output=True, timeout=patience(30.0),
                          check=False)
    assert code is None or done.returncode == code, done.stderr.decode() + done.stdout.decode()
    return done


@pytest.fixture(scope="module")
def house():
    with House() as one:
        yield one


def est_port(house):
    return house.broker.port + 1


def token(house, name, *more, role="device"):
    """What `tacit device add --token-only` prints, as JSON."""
    return json.loads(house.tacit("device", "add", name, "--role", role, "--token-only", "--json",
                                  "--state", house.state, "--port", house.broker.port,
                                  *more).stdout)


def retoken(house, name):
    return json.loads(house.tacit("device", "token", name, "--json", "--state", house.state,
                                  "--port", house.broker.port).stdout)["token"]


def rows(house, query, *values):
    with contextlib.closing(sqlite3.connect(house.state / "registry.db", timeout=10)) as db:
        found = db.execute(query, values).fetchall()
        db.commit()
        return found


class Device(Home):
    def command(self, command, *more, code=0):
        words = command.split()
        assert words[:2] == ["tacit", "enroll"]
        return self.tacit(*words[1:], *more, code=code)

    def files(self, name):
        profile = json.loads(
            (self.folder / ".config/tacit/profiles" / f"{name}.json").read_text())
        return profile["ca_file"], profile["certificate_file"], profile["key_file"]


@pytest.fixture
def device(house, tmp_path):
    return Device(house, tmp_path / "device")


class Answer:
    def __init__(self, output):
        head, _, self.body = output.partition(b"\r\n\r\n")
        lines = head.decode().split("\r\n")
        self.status = int(lines[0].split()[1])
        self.headers = {k.lower(): v for k, _, v in (line.partition(": ") for line in lines[1:])}
        self.text = self.body.decode(errors="replace")


def curl(house, operation, *options, given=None, source="127.0.0.1"):
    done = run("curl", "-sS", "-i", "--cacert", house.authority(), "--interface", source, *options,
               f"https://localhost:{est_port(house)}{ROOT}{operation}", given=given)
    return Answer(done.stdout)


def new_key(path):
    run("openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out",
        path)
    return path


def request(key, subject="/", form="base64"):
    der = run("openssl", "req", "-new", "-key", key, "-subj", subject, "-outform", "DER").stdout
    return run("openssl", "base64", given=der).stdout if form == "base64" else der


def enrol(house, name, secret, key, *options, subject="/", operation="simpleenroll",
          source="127.0.0.1"):
    login = ("-u", f"{name}:{secret}") if secret else ()
    return curl(house, operation, *login, "-H", "Content-Type: application/pkcs10",
                "--data-binary", "@-", *options, given=request(key, subject), source=source)


def save(answer, path):
    """The certificate of an answer, in PEM."""
    assert answer.status == 200, answer.text
    assert answer.headers["content-type"] == "application/pkcs7-mime; smime-type=certs-only"
    der = run("openssl", "base64", "-d", given=answer.body).stdout
    path.write_bytes(run("openssl", "pkcs7", "-inform", "DER", "-print_certs", given=der).stdout)
    return path


def fingerprint(path):
    text = run("openssl", "x509", "-in", path, "-noout", "-fingerprint", "-sha256").stdout
    return text.decode().strip().split("=")[1].replace(":", "").lower()


# -- the way of a newcomer -------------------------------------------------------------------------

def test_from_the_box_to_the_first_message(house, device):
    """One command, no human, no secret that another device has: under two seconds."""
    offer = token(house, "lamp")
    began = time.monotonic()
    device.command(offer["command"])
    device.tacit("pub", "--as", "lamp", "-t", "devices/lamp/state", "-m", "on")
    took = time.monotonic() - began
    print(f"seconds_to_first_publish: {took:.3f}")
    assert took < 2
    authority, certificate, key = device.files("lamp")
    assert "TACIT SEALED KEY" in open(key, encoding="utf-8").read()
    assert not list(house.state.rglob("lamp.*")) and not list(house.home.rglob("lamp.key"))
    assert rows(house, "SELECT name FROM certificate WHERE fingerprint = ?",
                fingerprint(certificate)) == [("lamp",)]
    house.wait("lamp has been given a certificate", 1, patience(5))
    assert offer["token"] not in house.broker.log()


def test_said_again(house, device):
    """It goes on where it was stopped; when there is nothing left to do it says so."""
    offer = token(house, "again")
    first = json.loads(device.command(offer["command"], "--json"))
    second = json.loads(device.command(offer["command"], "--json"))
    assert first["new"] and not second["new"]
    assert first["certificate"] == second["certificate"]


def test_the_key_of_device_add_is_replaced(house, device):
    """What `tacit device add` makes works at once; the device may take over with its own key."""
    added = json.loads(house.tacit("device", "add", "both", "--role", "device", "--json", "--state",
                                   house.state, "--port", house.broker.port).stdout)
    house.tacit("pub", "--as", "both", "-t", "devices/both/state", "-m", "1")
    device.command(added["enrolment"]["command"])
    device.tacit("pub", "--as", "both", "-t", "devices/both/state", "-m", "2")
    # A new key is looked up at once, and the one of before is out within a second.
    deadline = time.monotonic() + WITHIN_S
    words = ("pub", "--as", "both", "-t", "devices/both/state", "-m", "3")
    refused = house.tacit(*words, code=None)
    told = "key is not the one registered"
    while told not in refused.stderr and time.monotonic() < deadline:
        refused = house.tacit(*words, code=None)
    assert refused.returncode == 3 and told in refused.stderr


def test_curl_and_openssl(house, tmp_path):
    """The whole of it without anything of ours: RFC 7030 by hand."""
    secret = token(house, "foreign")["token"]
    authority = save(curl(house, "cacerts"), tmp_path / "ca.pem")
    attributes = curl(house, "csrattrs")
    assert attributes.headers["content-type"] == "application/csrattrs"
    der = run("openssl", "base64", "-d", given=attributes.body).stdout
    assert b"prime256v1" in run("openssl", "asn1parse", "-inform", "DER", given=der).stdout
    key = new_key(tmp_path / "key.pem")
    certificate = save(enrol(house, "foreign", secret, key, subject="/CN=foreign"),
                       tmp_path / "cert.pem")
    run("openssl", "verify", "-CAfile", authority, "-partial_chain", certificate)
    run("mosquitto_pub", "-h", "localhost", "-p", house.broker.port, "--cafile", authority,
        "--cert", certificate, "--key", key, "-i", "foreign", "-t", "devices/foreign/state", "-q",
        "1", "-m", "on")


def test_forms_of_a_request(house, tmp_path):
    """With a label, as Bearer, in one line, in DER, in PEM, with a header that is of no use."""
    key = new_key(tmp_path / "key.pem")
    der = request(key, form="der")
    forms = {
        "label/simpleenroll": run("openssl", "base64", given=der).stdout,
        "simpleenroll": run("openssl", "base64", "-A", given=der).stdout,
        "x/simpleenroll": der,
        "y/simpleenroll": run("openssl", "req", "-inform", "DER", given=der).stdout,
    }
    secret = token(house, "forms")["token"]
    for operation, body in forms.items():
        answer = curl(house, operation, "-H", f"Authorization: Bearer {secret.lower()}", "-H",
                      "Content-Type: application/pkcs10", "-H", "Content-Transfer-Encoding: base64",
                      "--data-binary", "@-", given=body)
        assert answer.status == 200, (operation, answer.text)
    assert rows(house, "SELECT count(*) FROM certificate WHERE name = 'forms'") == [(4,)]
    assert rows(house, "SELECT count(*) FROM identity WHERE name = 'forms'") == [(1,)]


# -- what is refused -------------------------------------------------------------------------------

def test_tokens_that_are_refused(house, tmp_path):
    key, other = new_key(tmp_path / "a.pem"), new_key(tmp_path / "b.pem")

    def refused(status, reason, *arguments, **more):
        answer = enrol(house, *arguments, source="127.0.0.9", **more)
        assert answer.status == status and reason in answer.text, (answer.status, answer.text)
        assert answer.headers["content-type"].startswith("text/plain")
        return answer

    used = token(house, "once")["token"]
    save(enrol(house, "once", used, key), tmp_path / "once.pem")
    refused(403, "used already, with another key", "once", used, other)

    late = token(house, "late")["token"]
    rows(house, "UPDATE token SET expires = 1 + created WHERE name = 'late'")
    time.sleep(1.1)
    refused(403, "has expired", "late", late, other)

    wrong = token(house, "wrong")["token"]
    refused(403, "made for another name", "somebody", wrong, other)
    refused(403, "another common name", "wrong", wrong, other, subject="/CN=admin")
    refused(403, "belongs to 'once'", "wrong", wrong, key)
    assert rows(house, "SELECT used FROM token WHERE name = 'wrong'") == [(0,)]

    house.tacit("device", "cancel", "wrong", "--state", house.state)
    answer = refused(401, "no such token", "wrong", wrong, other)
    assert answer.headers["www-authenticate"].startswith("Basic realm=")
    refused(401, "this is no token", "wrong", wrong[:-1], other)
    refused(401, "a token is needed", "wrong", None, other)
    assert rows(house, "SELECT count(*) FROM identity WHERE name IN ('wrong', 'late')") == [(0,)]
    log = house.broker.log()
    assert "enrolment of once from 127.0.0.9 refused (simpleenroll, 403)" in log
    assert not any(secret in log for secret in (used, late, wrong))


def test_a_new_token_cancels_the_old_one(house, tmp_path):
    first, second = token(house, "two")["token"], token(house, "two")["token"]
    key = new_key(tmp_path / "k.pem")
    assert enrol(house, "two", first, key).status == 401
    assert enrol(house, "two", second, key).status == 200
    listed = house.tacit("device", "tokens", "--json", "--state", house.state).stdout
    assert "two" not in [one["name"] for one in json.loads(listed)]


def test_revocation_ends_tokens(house, tmp_path):
    """What was given out before does not undo it; what is made afterwards needs another key."""
    key = new_key(tmp_path / "k.pem")
    save(enrol(house, "gone", token(house, "gone")["token"], key), tmp_path / "gone.pem")
    before = retoken(house, "gone")
    house.tacit("device", "revoke", "gone", "--state", house.state)
    assert enrol(house, "gone", before, new_key(tmp_path / "l.pem")).status == 401
    after = retoken(house, "gone")
    same = enrol(house, "gone", after, key)
    assert same.status == 403 and "revoked" in same.text
    save(enrol(house, "gone", after, new_key(tmp_path / "m.pem")), tmp_path / "back.pem")
    assert rows(house, "SELECT status FROM identity WHERE name = 'gone'") == [("active",)]


def test_who_is_held_gets_no_certificate(house, tmp_path):
    """Of two with the same key, one would ask for another key and be free. A token, which the
    operator gives, is the way."""
    old = new_key(tmp_path / "old.pem")
    first = save(enrol(house, "held", token(house, "held")["token"], old), tmp_path / "1.pem")
    house.sql("INSERT INTO hold (name, since, why) VALUES ('held', 0, 'seen in two places')")
    for key in (old, new_key(tmp_path / "new.pem")):
        refused = enrol(house, "", None, key, "--cert", first, "--key", old,
                        operation="simplereenroll")
        assert refused.status == 403 and "tacit device release" in refused.text
    save(enrol(house, "held", retoken(house, "held"), new_key(tmp_path / "third.pem")),
         tmp_path / "2.pem")
    assert rows(house, "SELECT * FROM hold WHERE name = 'held'") == []


def test_the_revocation_list_over_http(house, tmp_path):
    """For those who look at certificates of ours elsewhere: openssl takes what curl gets."""
    url = f"https://localhost:{est_port(house)}/crl"
    save(enrol(house, "listed", token(house, "listed")["token"], new_key(tmp_path / "k.pem")),
         tmp_path / "cert.pem")
    house.tacit("revoke", "listed", "--reason", "superseded", "--state", house.state)
    der = run("curl", "-sf", "--cacert", house.state / "ca/root.crt", url).stdout
    assert der == (house.state / "crl/ca.crl").read_bytes()
    text = run("openssl", "crl", "-inform", "DER", "-noout", "-text", given=der).stdout
    serial = run("openssl", "x509", "-in", tmp_path / "cert.pem", "-noout", "-serial").stdout
    assert serial.strip().split(b"=")[1] in text.replace(b":", b"")
    posted = run("curl", "-s", "-o", tmp_path / "out", "-w", "%{http_code}", "-d", "x", "--cacert",
                 house.state / "ca/root.crt", url).stdout
    assert posted == b"405"


def test_requests_that_are_no_requests(house, tmp_path):
    secret = token(house, "bad")["token"]
    post = ("-H", "Content-Type: application/pkcs10", "-u", f"bad:{secret}", "--data-binary", "@-")
    assert curl(house, "nothing").status == 404
    assert curl(house, "a/b/cacerts").status == 404
    assert curl(house, "simpleenroll").status == 405
    answer = curl(house, "cacerts", "-X", "POST", "-d", "x")
    assert (answer.status, answer.headers["allow"]) == (405, "GET")
    assert curl(house, "simpleenroll", "-u", f"bad:{secret}", "-d", "x").status == 415
    for body in (b"", b"not base64!", b"AAAA", b"0" * 40, b"-----BEGIN CERTIFICATE REQUEST-----\n"):
        assert curl(house, "simpleenroll", *post, given=body).status == 400, body
    for size in (40_000, 1_000_000):
        assert curl(house, "simpleenroll", *post, given=b"A" * size).status == 413
    der = bytearray(request(new_key(tmp_path / "k.pem"), form="der"))
    der[-1] ^= 1
    answer = curl(house, "simpleenroll", *post, given=bytes(der))
    assert answer.status == 400 and "does not verify" in answer.text
    weak = tmp_path / "weak.pem"
    run("openssl", "genrsa", "-out", weak, "1024")
    assert enrol(house, "bad", secret, weak).status == 400
    assert rows(house, "SELECT used FROM token WHERE name = 'bad'") == [(0,)]


def test_the_tool_notices_a_mistyped_token(house, device):
    offer = token(house, "typo")
    wrong = offer["token"][:-1] + ("0" if offer["token"][-1] != "0" else "1")
    before = house.broker.log().count("refused")
    output = device.command(offer["command"].replace(offer["token"], wrong), code=2)
    assert "mistyped" in output and house.broker.log().count("refused") == before
    assert "the server refuses" not in output
    device.command(offer["command"])


def impostor(folder, authority):
    """A server with a certificate of its own, for one request after the other; what was said to it
    is in the list."""
    key = new_key(folder / "i.key")
    run("openssl", "req", "-x509", "-key", key, "-subj", "/CN=localhost", "-addext",
        "subjectAltName=DNS:localhost", "-days", "1", "-out", folder / "i.crt")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "i.crt", key)
    der = run("openssl", "crl2pkcs7", "-nocrl", "-certfile", authority, "-outform", "DER").stdout
    body = run("openssl", "base64", given=der).stdout
    head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body)
    heard, server = [], socket.create_server(("127.0.0.1", 0))

    def serve():
        with contextlib.suppress(OSError):
            while True:
                plain, _ = server.accept()
                with contextlib.suppress(OSError, ssl.SSLError), \
                        context.wrap_socket(plain, server_side=True) as one:
                    heard.append(one.recv(65536))
                    one.sendall(head + body)

    threading.Thread(target=serve, daemon=True).start()
    return server, heard


@pytest.mark.parametrize("honest_authority", [False, True])
def test_no_token_for_a_stranger(house, device, tmp_path, honest_authority):
    """Neither for one with another authority nor for one that shows the right one and is not
    certified by it."""
    offer = token(house, "shy")
    server, heard = impostor(tmp_path, house.authority() if honest_authority
                             else save(curl(house, "cacerts"), tmp_path / "ca.pem"))
    command = offer["command"].replace(offer["server"], f"localhost:{server.getsockname()[1]}")
    if not honest_authority:
        pin = command.split("--ca-sha256 ")[1].split()[0]
        command = command.replace(pin, "0" * 64)
    output = device.command(command, code=4)
    server.close()
    assert "fingerprint" in output or "not accepted" in output
    assert heard and all(b"uthorization" not in one for one in heard), heard
    assert all(one.startswith(b"GET ") for one in heard)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_old_tls_and_plaintext_are_refused(house):
    place = ("127.0.0.1", est_port(house))
    for version in (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.set_ciphers("ALL:@SECLEVEL=0")
        context.minimum_version = context.maximum_version = version
        with socket.create_connection(place, timeout=patience(5.0)) as plain, \
                pytest.raises((ssl.SSLError, ConnectionError)):
            context.wrap_socket(plain)
    with socket.create_connection(place, timeout=patience(5.0)) as plain:
        plain.sendall(f"GET {ROOT}cacerts HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        answer = b""
        with contextlib.suppress(ConnectionError):
            answer = plain.recv(1000)
        assert b"HTTP" not in answer


# -- renewing --------------------------------------------------------------------------------------

def test_renewal_with_the_same_and_with_another_key(house, tmp_path):
    old, key = new_key(tmp_path / "old.pem"), new_key(tmp_path / "new.pem")
    first = save(enrol(house, "renew", token(house, "renew")["token"], old), tmp_path / "1.pem")

    def again(certificate, with_key, asks_for, subject="/"):
        return enrol(house, "", None, asks_for, "--cert", certificate, "--key", with_key,
                     subject=subject, operation="simplereenroll")

    second = save(again(first, old, old), tmp_path / "2.pem")
    assert fingerprint(first) != fingerprint(second)
    # It did not get the second one: the first is as good for the same key.
    save(again(first, old, old, "/CN=renew"), tmp_path / "3.pem")
    third = save(again(second, old, key), tmp_path / "4.pem")
    # It did not get that one either: it asks once more with what it has.
    save(again(second, old, key), tmp_path / "5.pem")
    refused = again(second, old, old)
    assert refused.status == 403 and "another key by now" in refused.text
    assert again(third, key, key, "/CN=lamp").status == 403
    # The key of before is nobody else's.
    thief = enrol(house, "thief", token(house, "thief")["token"], old)
    assert thief.status == 403 and "the one of 'renew' before" in thief.text

    house.tacit("device", "suspend", "renew", "--state", house.state)
    suspended = again(third, key, key)
    assert suspended.status == 403 and "suspended" in suspended.text
    assert rows(house, "SELECT count(*) FROM certificate WHERE name = 'renew'") == [(5,)]


def test_renewal_without_a_good_certificate(house, tmp_path):
    key = new_key(tmp_path / "k.pem")
    none = enrol(house, "", None, key, operation="simplereenroll")
    assert none.status == 403 and "show the certificate" in none.text
    run("openssl", "req", "-x509", "-key", key, "-subj", "/CN=lamp", "-days", "1", "-out",
        tmp_path / "self.pem")
    stranger = enrol(house, "", None, key, "--cert", tmp_path / "self.pem", "--key", key,
                     operation="simplereenroll")
    assert stranger.status == 403 and "not accepted" in stranger.text


def test_the_tool_renews(house, device):
    device.command(token(house, "clock")["command"])
    _, certificate, key = device.files("clock")
    before, secret = fingerprint(certificate), open(key, encoding="utf-8").read()
    assert not json.loads(device.tacit("enroll", "--renew", "--as", "clock", "--json"))["new"]
    assert fingerprint(certificate) == before
    device.tacit("enroll", "--renew", "--as", "clock", "--force")
    assert fingerprint(certificate) != before
    assert open(key, encoding="utf-8").read() == secret
    device.tacit("enroll", "--renew", "--as", "clock", "--force", "--new-key")
    assert open(key, encoding="utf-8").read() != secret
    device.tacit("pub", "--as", "clock", "-t", "devices/clock/state", "-m", "on")


def test_the_tool_stays_and_renews(house, device):
    device.command(token(house, "watch")["command"])
    before = fingerprint(device.files("watch")[1])
    with device.popen("enroll", "--renew", "--as", "watch", "--watch", "--force") as process:
        deadline = time.monotonic() + 10
        while fingerprint(device.files("watch")[1]) == before and time.monotonic() < deadline:
            time.sleep(0.05)
        process.send_signal(signal.SIGTERM)
        assert process.wait(5) == 0
    assert fingerprint(device.files("watch")[1]) != before


# -- manufacturers, and what an operator writes ----------------------------------------------------

def configuration(port, *lines, limits=""):
    return (f'listener "mqtts" {{ port = {port} }}\nenrolment {{\n' + "\n".join(lines)
            + f"\n}}\nlimits {{ {limits} }}\n")


@contextlib.contextmanager
def own_house(*lines, limits=""):
    port = free_port()
    with_port = [f"port = {port + 1}"] if not any("port" in line for line in lines) else []
    one = House(config=configuration(port, *with_port, *lines, limits=limits))
    one.broker.port = port
    with one:
        yield one


def make_manufacturer(folder):
    key = new_key(folder / "acme.key")
    run("openssl", "req", "-x509", "-key", key, "-subj", "/O=Acme/CN=Acme devices", "-days", "9",
        "-out", folder / "acme.pem")
    return folder / "acme.pem", key


def make_device(folder, maker, name, subject, options=()):
    """Key and certificate as they leave the factory."""
    key = new_key(folder / f"{name}.key")
    csr = run("openssl", "req", "-new", "-key", key, "-subj", subject).stdout
    run("openssl", "x509", "-req", "-CA", maker[0], "-CAkey", maker[1], "-days", "9", "-out",
        folder / f"{name}.pem", *options, given=csr)
    return folder / f"{name}.pem", key


def test_manufacturer(tmp_path):
    """A certificate of the factory lets a device in once, with a key that it makes here."""
    maker = make_manufacturer(tmp_path)
    good = make_device(tmp_path, maker, "good", "/O=Acme/CN=sensor/serialNumber=SN-7")
    twin = make_device(tmp_path, maker, "twin", "/O=Acme/CN=other/serialNumber=SN-7")
    odd = make_device(tmp_path, maker, "odd", "/O=Acme/CN=x/serialNumber=no name")
    (tmp_path / "else").mkdir()
    other = make_device(tmp_path, make_manufacturer(tmp_path / "else"), "fake",
                        "/O=Acme/CN=sensor/serialNumber=SN-8")
    with own_house(f'manufacturer "acme" {{ ca = "{maker[0]}" name = "acme-%{{serial}}" '
                   'role = device site = hall }') as house:
        def ask(factory, key):
            return enrol(house, "", None, key, "--cert", factory[0], "--key", factory[1])

        key, another = new_key(tmp_path / "k.pem"), new_key(tmp_path / "l.pem")
        certificate = save(ask(good, key), tmp_path / "c.pem")
        run("mosquitto_pub", "-h", "localhost", "-p", house.broker.port, "--cafile",
            house.authority(), "--cert", certificate, "--key", key, "-i", "acme-SN-7", "-t",
            "devices/acme-SN-7/state", "-q", "1", "-m", "on")
        assert rows(house, "SELECT role, site FROM identity WHERE name = 'acme-SN-7'") == [
            ("device", "hall")]
        assert ask(good, key).status == 200
        for who in (good, twin):
            answer = ask(who, another)
            assert answer.status == 403 and "has enrolled as 'acme-SN-7' already" in answer.text
        for who in (odd, other):
            answer = ask(who, another)
            assert answer.status == 403 and "not accepted" in answer.text
        assert rows(house, "SELECT count(*) FROM identity WHERE kind = 'device'") == [(1,)]
        # Whoever may not come in again by the factory's word comes in by a token.
        secret = retoken(house, "acme-SN-7")
        assert enrol(house, "acme-SN-7", secret, another).status == 200


def test_a_manufacturer_without_a_file(tmp_path):
    file = tmp_path / "t.conf"
    file.write_text('enrolment { manufacturer "acme" { ca = "none.pem" name = "%{serial}" '
                    'role = device } }\n')
    done = run(TACITD, "--check", "--config", file, code=1)
    assert b'manufacturer "acme"' in done.stderr and b"none.pem" in done.stderr


def test_enrolment_may_be_off():
    with own_house("port = off") as house:
        with pytest.raises(OSError):
            socket.create_connection(("127.0.0.1", est_port(house)), timeout=1)
        done = house.tacit("device", "add", "x", "--role", "device", "--token-only", "--state",
                           house.state, "--config", house.broker.config_file, code=1)
        assert "enrolment is off" in done.stderr
        added = house.tacit("device", "add", "x", "--role", "device", "--state", house.state,
                            "--config", house.broker.config_file)
        assert "tacit enroll" not in added.stdout


def test_a_port_that_is_taken():
    """The built-in one gives way; the one that the operator wrote does not."""
    with socket.create_server(("0.0.0.0", free_port() + 1)) as other:
        taken = other.getsockname()[1]
        house = House()
        house.broker.port = taken - 1
        with house:
            house.wait("enrolment cannot listen on", 1, patience(5))
        port = free_port()
        house = House(config=configuration(port, f"port = {taken}"))
        house.broker.port = port
        with pytest.raises(AssertionError, match="enrolment cannot listen"):
            house.broker.start()
        house.folder.cleanup()


def test_reload_and_renewed_certificate(tmp_path):
    with own_house() as house:
        first = est_port(house)
        second = free_port()
        text = house.broker.config_file.read_text()
        house.broker.config_file.write_text(text.replace(f"port = {first}", f"port = {second}"))
        house.broker.reload()

        def served(port):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1) as p:
                context = ssl.create_default_context(cafile=str(house.authority()))
                with context.wrap_socket(p, server_hostname="localhost") as tls:
                    return tls.getpeercert()["serialNumber"]
            return None

        deadline = time.monotonic() + 5
        while served(second) is None and time.monotonic() < deadline:
            time.sleep(0.02)
        serial = served(second)
        assert serial is not None and served(first) is None
        # A certificate that takes the place of the old one is used without anybody being told.
        server = house.state / "server/server.crt"
        csr = run("openssl", "req", "-new", "-key", house.state / "server/server.key", "-subj",
                  "/CN=tacitd").stdout
        (tmp_path / "san").write_text("subjectAltName=DNS:localhost\nextendedKeyUsage=serverAuth\n")
        run("openssl", "x509", "-req", "-CA", house.authority(), "-CAkey",
            house.authority().with_suffix(".key"), "-days", "9", "-extfile", tmp_path / "san", "-out",
            server, given=csr)
        deadline = time.monotonic() + 5
        while served(second) == serial and time.monotonic() < deadline:
            time.sleep(0.1)
        assert served(second) not in (None, serial)


def test_without_the_key_of_the_authority():
    """A broker whose authority lies in a safe enrols nobody and serves everybody."""
    with House() as house:
        house.add("early", "device")
        house.broker.stop()
        key = house.issuing().with_suffix(".key")
        kept = key.read_bytes()
        key.unlink()
        house.broker.start()
        house.wait("enrolment is off", 1, patience(5))
        house.tacit("pub", "--as", "early", "-t", "devices/early/state", "-m", "on")
        key.write_bytes(kept)
        key.chmod(0o600)


# -- those who mean harm ---------------------------------------------------------------------------

def test_a_thousand_wrong_tokens(house, tmp_path):
    """Ten of them are looked at; the rest are not heard. Everybody else enrols as before."""
    key = new_key(tmp_path / "k.pem")
    secret = token(house, "honest")["token"]
    unknown = token(house, "guess")["token"]
    house.tacit("device", "cancel", "guess", "--state", house.state)
    head = (f"POST {ROOT}simpleenroll HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer "
            f"{unknown}\r\nContent-Type: application/pkcs10\r\nContent-Length: 4\r\n\r\nAAAA")
    context = ssl.create_default_context(cafile=str(house.authority()))
    counts, slowest = {}, 0.0
    for _ in range(times(1000)):
        began = time.monotonic()
        with socket.create_connection(("127.0.0.1", est_port(house)), timeout=patience(10.0),
                                      source_address=("127.0.0.66", 0)) as plain, \
                context.wrap_socket(plain, server_hostname="localhost") as one:
            one.sendall(head.encode())
            status = int(one.recv(1000).split()[1])
        counts[status] = counts.get(status, 0) + 1
        slowest = max(slowest, time.monotonic() - began)
    print(f"answers: {counts}, the slowest after {slowest * 1000:.0f} ms")
    assert set(counts) == {401, 429} and counts[401] <= 10 + 1000 // 6
    limited = enrol(house, "honest", secret, key, source="127.0.0.66")
    assert limited.status == 429 and int(limited.headers["retry-after"]) >= 1
    assert enrol(house, "honest", secret, key).status == 200


def test_who_dawdles_is_cut_off():
    """A byte now and then does not keep a connection: neither in the handshake nor behind it."""
    with own_house(limits="enrolment-timeout-ms = 1000") as house:
        context = ssl.create_default_context(cafile=str(house.authority()))
        place = ("127.0.0.1", est_port(house))
        for is_deep in (False, True):
            with socket.create_connection(place, timeout=patience(5.0)) as plain:
                one = context.wrap_socket(plain, server_hostname="localhost") if is_deep else plain
                drops = b"GET /.well-known/est/cacerts HTTP/1.1\r\nHost: " if is_deep else \
                    b"\x16\x03\x01\x02\x00\x01"
                began = time.monotonic()
                with contextlib.suppress(OSError):
                    for at in range(100):
                        one.sendall(drops[at % len(drops):at % len(drops) + 1])
                        time.sleep(0.1)
                assert time.monotonic() - began < 4
        assert curl(house, "cacerts").status == 200


def test_connections_are_bounded():
    """For one more than are allowed the oldest goes; who comes now is served."""
    with own_house(limits="enrolment-connections = 2") as house:
        idle = [socket.create_connection(("127.0.0.1", est_port(house))) for _ in range(6)]
        time.sleep(0.3)
        closed = 0
        for one in idle:
            one.setblocking(False)
            with contextlib.suppress(BlockingIOError, ConnectionError):
                closed += one.recv(1) == b""
        assert closed >= 4
        assert curl(house, "cacerts").status == 200
        for one in idle:
            one.close()


# -- kill -9 ---------------------------------------------------------------------------------------

def check_agreement(house, devices):
    """Registry, certificates and tokens say the same: what anybody was given is written down, and
    what is written down is whole."""
    known = {row[0] for row in rows(house, "SELECT fingerprint FROM certificate")}
    for device in devices:
        for path in device.folder.rglob("*.crt"):
            assert path.name == "ca.crt" or fingerprint(path) in known, path
    assert rows(house, "SELECT i.name FROM identity i LEFT JOIN certificate c ON"
                       " c.fingerprint = i.fingerprint AND c.name = i.name WHERE c.name IS NULL"
                ) == []
    assert rows(house, "SELECT t.name FROM token t LEFT JOIN key_use k ON k.name = t.name AND"
                       " k.key_sha256 = t.key_sha256 WHERE t.used <> 0 AND k.name IS NULL") == []
    assert rows(house, "SELECT i.name FROM identity i JOIN token t ON t.name = i.name"
                       " WHERE t.used = 0") == []
    assert rows(house, "SELECT c.name FROM certificate c LEFT JOIN key_use k ON k.key_sha256 ="
                       " c.key_sha256 AND k.name = c.name WHERE k.name IS NULL") == []


def test_kill_at_any_point(tmp_path):
    """A hundred times (in a release), broker or device die at some moment of an enrolment. Said again, the same
    command completes it."""
    chance = random.Random(320)
    with House() as house:
        devices, kills = [], {"broker": 0, "device": 0}
        deadline = time.monotonic() + 240
        count = times(100)
        for i in range(count):
            offer = token(house, f"d{i}")
            device = Device(house, tmp_path / f"d{i}")
            devices.append(device)
            words = offer["command"].split()[1:]
            with device.popen(*words) as process:
                time.sleep(chance.uniform(0, 0.05))
                who = chance.choice(list(kills))
                if who == "broker":
                    house.broker.kill()
                else:
                    process.kill()
                kills[who] += 1
                if who == "broker":
                    time.sleep(0.01)
                    process.kill()
                process.communicate(timeout=patience(60.0))
            if who == "broker":
                house.broker.start()
            check_agreement(house, [device])
            device.command(offer["command"])
            assert not list(device.folder.rglob("*.next")), i
            assert time.monotonic() < deadline, f"only {i} in the time there is"
        check_agreement(house, devices)
        print(f"killed: {kills}")
        used = rows(house, "SELECT count(*), count(DISTINCT name) FROM token WHERE used <> 0")
        assert used == [(count, count)]
        devices[0].tacit("pub", "--as", "d0", "-t", "devices/d0/state", "-m", "on")


def test_kill_while_the_key_changes(tmp_path):
    """Whatever the moment, the device is left with a pair that belongs together, or that the next
    run makes one of."""
    chance = random.Random(321)
    with House() as house:
        device = Device(house, tmp_path / "device")
        device.command(token(house, "key")["command"])
        for _ in range(times(25)):
            with device.popen("enroll", "--renew", "--force", "--new-key") as process:
                time.sleep(chance.uniform(0, 0.04))
                process.kill()
                process.communicate(timeout=patience(60.0))
            check_agreement(house, [device])
            device.tacit("enroll", "--renew", "--force", "--new-key")
            device.tacit("pub", "--as", "key", "-t", "devices/key/state", "-m", "on")


def test_two_at_once(house, tmp_path):
    """One token, twenty devices at the same moment: one of them gets in."""
    secret = token(house, "race")["token"]
    keys = [new_key(tmp_path / f"{i}.pem") for i in range(20)]
    answers = []
    threads = [threading.Thread(target=lambda k=key: answers.append(enrol(house, "race", secret, k)))
               for key in keys]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert sorted(answer.status for answer in answers) == [200] + [403] * 19
    assert TACITD.exists()
