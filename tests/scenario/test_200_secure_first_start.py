# SPDX-License-Identifier: Apache-2.0
"""What a newcomer sees: no configuration, and everything closed but what roles grant."""

import os
import pathlib
import socket
import ssl
import stat
import subprocess

import pytest

from support import wire
from support.broker import FOREIGN, TACIT, TACITD
from support.client import Closed
from support.patience import patience
from support.ports import free_port
from support.secure import House

pytestmark = pytest.mark.skipif(FOREIGN or not TACIT.exists(), reason="about tacitd and tacit")


@pytest.fixture(scope="module")
def house():
    with House() as one:
        one.add("lamp", "device")
        one.add("panel", "controller")
        yield one


def mode(path):
    return stat.S_IMODE(os.stat(path).st_mode)


def test_state_is_for_its_owner_only(house):
    """Keys nobody else can read."""
    assert mode(house.state) == 0o700
    keys = [p for p in house.state.rglob("*") if p.suffix == ".key"]
    assert {p.name for p in keys} >= {"ca.key", "server.key", "admin.key"}
    assert all(mode(p) == 0o600 for p in keys)


def test_profiles_are_for_their_owner_only(house):
    folder = house.home / ".config/tacit/profiles"
    assert mode(folder) == 0o700
    for name in ("lamp", "panel"):
        assert mode(folder / f"{name}.json") == 0o600
        assert mode(house.files(name)[2]) == 0o600


def test_next_commands_are_printed(house):
    """The first start tells the three commands that come next."""
    log = house.broker.log()
    for command in ("tacit device add", "tacit sub", "tacit pub"):
        assert command in log, log


def test_plaintext_is_refused(house):
    """W1: a plaintext CONNECT gets nothing."""
    for version in (4, 5):
        with socket.create_connection((house.broker.host, house.broker.port), patience(5.0)) as one:
            one.sendall(wire.connect(version, "plain"))
            try:
                answer = one.recv(100)
            except ConnectionError:
                answer = b""
            assert not answer or answer[0] == 0x15, answer


def listening_ports(pid):
    """TCP ports that the process listens on, from its own descriptors."""
    sockets = set()
    for entry in pathlib.Path(f"/proc/{pid}/fd").iterdir():
        try:
            target = os.readlink(entry)
        except OSError:
            continue
        if target.startswith("socket:["):
            sockets.add(target[8:-1])
    ports = set()
    for table in ("tcp", "tcp6"):
        for line in pathlib.Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and fields[9] in sockets:
                ports.add(int(fields[1].split(":")[1], 16))
    return ports


def test_two_ports_listen(house):
    """MQTT, and one above it enrolment, unless somebody else has that port."""
    ports = listening_ports(house.broker.process.pid)
    assert ports in ({house.broker.port, house.broker.port + 1}, {house.broker.port})
    assert len(ports) == 2 or "enrolment cannot listen" in house.broker.log()


def attempt(house, versions=None, ciphers=None, name="lamp"):
    context = house.context(name, versions)
    context.check_hostname = True
    if ciphers:
        context.set_ciphers(ciphers + ":@SECLEVEL=0")
    with socket.create_connection((house.broker.host, house.broker.port), patience(5.0)) as plain:
        with context.wrap_socket(plain, server_hostname="localhost") as tls:
            return tls.version(), tls.cipher()[0], tls.selected_alpn_protocol()


def test_tls_1_3_with_alpn(house):
    version, _, alpn = attempt(house)
    assert (version, alpn) == ("TLSv1.3", "mqtt")


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_old_tls_is_refused(house, version):
    with pytest.raises((ssl.SSLError, ConnectionError)):
        attempt(house, version, "ALL")


@pytest.mark.parametrize("ciphers", ["AES128-SHA", "AES256-GCM-SHA384", "ECDHE-ECDSA-AES128-SHA",
                                     "ECDHE-RSA-AES256-SHA384", "DHE-RSA-AES128-SHA", "NULL",
                                     "aNULL"])
def test_ciphers_without_forward_secrecy_or_aead_are_refused(house, ciphers):
    with pytest.raises((ssl.SSLError, ConnectionError)):
        attempt(house, ssl.TLSVersion.TLSv1_2, ciphers)


def refused_without_reading(house, context):
    """In TLS 1.3 the refusal of a certificate arrives after the client's side has finished."""
    try:
        one = house.connect(None, context=context)
        answers = one.send(wire.connect(5, "x")).drain()
    except (ssl.SSLError, ConnectionError, Closed):
        return
    assert answers == [], answers


def test_no_certificate_no_entry(house):
    refused_without_reading(house, house.context())


def test_certificate_of_a_stranger(house, tmp_path):
    key, certificate = tmp_path / "k.pem", tmp_path / "c.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:P-256", "-nodes", "-keyout", str(key), "-out",
                    str(certificate), "-subj", "/CN=lamp", "-days", "1"], check=True,
                   capture_output=True)
    context = house.context()
    context.load_cert_chain(certificate, key)
    refused_without_reading(house, context)


def test_server_names(house):
    for name in ("localhost", "127.0.0.1"):
        context = house.context("lamp")
        with socket.create_connection((house.broker.host, house.broker.port), patience(5.0)) as plain:
            context.wrap_socket(plain, server_hostname=name).close()


def test_second_start_changes_nothing():
    with House() as one:
        before = {p: p.read_bytes() for p in one.state.rglob("*.crt")}
        before.update({p: p.read_bytes() for p in one.state.rglob("*.key")})
        one.add("lamp", "device")
        one.broker.restart()
        assert all(p.read_bytes() == content for p, content in before.items())
        one.connect("lamp").open("lamp").leave()


def run_tacitd(*arguments):
    return subprocess.run([str(TACITD), *map(str, arguments)], capture_output=True, text=True,
                          timeout=patience(20.0))


def complaint(done, *words):
    """One line that says what is wrong; exit code 1 or 2."""
    assert done.returncode in (1, 2), done
    text = (done.stdout + done.stderr).strip()
    assert "Sanitizer" not in text and text, done
    for word in words:
        assert word in text, f"{word!r} is not in: {text}"


def test_port_in_use(house, tmp_path):
    done = run_tacitd("--state", tmp_path / "s", "--port", house.broker.port)
    complaint(done, str(house.broker.port))
    assert not (tmp_path / "s").exists(), "nothing half-created"


def test_state_of_a_running_broker(house):
    complaint(run_tacitd("--state", house.state, "--port", free_port()))
    house.connect("lamp").open("lamp").leave()


def test_unreadable_key(tmp_path):
    with House() as one:
        one.broker.stop()
        (one.state / "server/server.key").write_text("not a key\n")
        complaint(run_tacitd("--state", one.state, "--port", one.broker.port), "server.key")


BAD_CONFIGURATIONS = {
    "unknown-key": ('listener "a" {\n  prot = 1\n}\n', ["2", "port"]),
    "unknown-role-key": ('role "r" {\n  publsh = { "a" }\n}\n', ["2", "publish"]),
    "bad-filter": ('role "r" {\n  publish = { "a/#/b" }\n}\n', ["2"]),
    "unclosed": ('role "r" {\n  publish = { "a" }\n', []),
    "plaintext-to-everybody": ('listener "a" {\n  address = "0.0.0.0"\n  port = 1883\n'
                               '  tls = off\n}\n', ["plaintext"]),
    "bad-number": ("shards = many\n", ["1"]),
    "bad-limit": ("limits {\n  packet-bytes = 1\n}\n", ["packet-bytes"]),
}


@pytest.mark.parametrize("case", BAD_CONFIGURATIONS)
def test_wrong_configuration(tmp_path, case):
    """file:line, what, what to do; from --check and from a start; nothing is created."""
    text, words = BAD_CONFIGURATIONS[case]
    path = tmp_path / "bad.conf"
    path.write_text(text)
    for extra in (["--check"], ["--port", free_port()]):
        done = run_tacitd("--config", path, "--state", tmp_path / "s", *extra)
        complaint(done, "bad.conf", *words)
        assert not (tmp_path / "s").exists()


def test_good_configuration_is_told_so():
    from support.broker import ROOT
    assert run_tacitd("--check", "--config", ROOT / "bench/open.conf").returncode == 0


def test_missing_configuration(tmp_path):
    done = run_tacitd("--config", tmp_path / "none.conf", "--state", tmp_path / "s")
    complaint(done, "none.conf")
    assert not (tmp_path / "s").exists()


def test_devices_are_listed(house):
    text = house.tacit("device", "list", "--state", house.state).stdout
    assert "lamp" in text and "panel" in text and "controller" in text
    assert "lamp" in house.tacit("device", "show", "lamp", "--state", house.state).stdout


@pytest.mark.parametrize("name", ["", "../x", "a/b", "a+b", "#", "-x", "a b", "x" * 300])
def test_names_that_cannot_be_added(house, name):
    def files():
        """The broker prepares what it writes next in its store whenever it likes."""
        return sorted(p for p in house.state.rglob("*") if p.parent.name != "store")

    before = files()
    done = house.tacit("device", "add", "--role", "device", "--state", house.state, "--", name,
                       code=None)
    assert done.returncode != 0
    assert files() == before


def test_name_is_taken(house):
    """Said again, the same is done again (a lost certificate, a renewal); nothing else is."""
    again = ["device", "add", "lamp", "--state", house.state]
    assert house.tacit(*again, "--role", "device", code=0)
    done = house.tacit(*again, "--role", "controller", code=None)
    assert done.returncode != 0 and "lamp" in done.stderr


def test_unknown_role_is_refused_or_has_no_rights(house):
    """A role nobody wrote grants nothing."""
    done = house.tacit("device", "add", "ghost", "--role", "no-such-role", "--state", house.state,
                       "--host", "localhost", "--port", house.broker.port, code=None)
    if done.returncode == 0:
        answers = house.connect("ghost").send(wire.connect(5, "ghost")).drain()
        assert all(a.reason >= 0x80 for a in answers), answers
