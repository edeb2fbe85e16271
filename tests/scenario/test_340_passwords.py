# SPDX-License-Identifier: Apache-2.0
"""Passwords, for those who must: refused and burnt where they can be overheard (W6), guessed at
without effect (A2), SCRAM, and what mosquitto left behind."""

import base64
import hashlib
import hmac
import json
import os
import pathlib
import subprocess
import threading
import time

import pytest

from support import wire
from support.broker import FOREIGN, TACIT, free_port
from support.client import Closed, RawClient
from support.memory import found_in
from support.patience import patience
from support.secure import House

pytestmark = pytest.mark.skipif(FOREIGN or not TACIT.exists(), reason="about tacitd and tacit")

CONFIG = """
listener "mqtts" {{ client-certificates = optional passwords = on }}
listener "plain" {{ address = "127.0.0.1" port = {plain} tls = off passwords = scram }}
role "guest" {{ publish = {{ "home/%{{device}}/#" }} subscribe = {{ "home/%{{device}}/x" }} }}
role "device" {{ publish = {{ "devices/%{{device}}/#" }} subscribe = {{ "devices/%{{device}}/x" }} }}
role "controller" {{ publish = {{ "a" }} }}
role "admin" {{ publish = {{ "a" }} }}
"""
WRONG = {5: 0x86, 4: 4}
FORBIDDEN = {5: 0x87, 4: 5}
LATER = {5: (0x9F, 0x89), 4: (3,)}
SECRET = "Correct-Horse 7"


class Home(House):
    def __init__(self, shards=None, more=""):
        self.plain = free_port()
        super().__init__(CONFIG.format(plain=self.plain) + more, shards)

    def passwd(self, *arguments, given=None, code=0):
        return self.tacit("passwd", *arguments, "--state", self.state, given=given, code=code)

    def account(self, name, password=SECRET, role="guest"):
        more = ["--role", role] if role else []
        self.passwd(name, *more, "--config", self.broker.config_file, given=password + "\n")

    def raw(self, version=5, tls=True, source=None):
        port = self.broker.port if tls else self.plain
        return RawClient("127.0.0.1", port, version, tls=self.context() if tls else None,
                         source=source)

    def log_in(self, name, password=SECRET, version=5, source=None, tls=True, client_id=None):
        """CONNACK of an attempt."""
        one = self.raw(version, tls, source)
        one.send(wire.connect(version, client_id or name, username=name, password=password.encode()))
        answer = one.expect(wire.CONNACK)
        one.close()
        return answer

    def settle(self, name, password, reason=0, version=5):
        """Until the shards know what the tool has changed."""
        deadline = time.monotonic() + patience(3.0)
        while True:
            answer = self.log_in(name, password, version)
            if answer.reason == reason or time.monotonic() > deadline:
                assert answer.reason == reason, answer
                return answer
            time.sleep(0.05)


@pytest.fixture(params=[1, 3], ids=lambda n: f"shards{n}")
def home(request):
    with Home(request.param) as one:
        one.account("anna")
        one.add("lamp", "device")
        yield one


def reason_text(answer):
    return answer.get("reason_string") or ""


# -- coming in --------------------------------------------------------------------------------


@pytest.mark.parametrize("version", [4, 5])
def test_right_and_wrong(home, version):
    assert home.log_in("anna", version=version).reason == 0
    assert home.log_in("anna", "nonsense", version).reason == WRONG[version]
    assert home.log_in("nobody", version=version).reason == WRONG[version]
    assert home.log_in("anna", "", version).reason == WRONG[version]
    assert home.log_in("anna", "x" * 5000, version).reason == WRONG[version]
    assert home.log_in("anna", version=version, client_id="lamp").reason != 0


def test_an_account_is_an_identity(home):
    one = home.raw().open("anna", username="anna", password=SECRET.encode())
    one.subscribe("home/anna/x")
    one.subscribe("home/berta/x", reasons=[0x87])
    one.publish("home/anna/x", b"hello", qos=1)
    one.message(topic="home/anna/x", payload=b"hello")
    one.leave()


def test_what_follows_the_connect_at_once_is_not_lost(home):
    one = home.raw()
    one.send(wire.connect(5, "anna", username="anna", password=SECRET.encode()),
             wire.subscribe(5, 7, ("home/anna/x", 0)), wire.pingreq())
    one.expect(wire.CONNACK, reason=0)
    one.expect(wire.SUBACK, reasons=[0])
    one.expect(wire.PINGRESP)
    one.leave()


def test_who_leaves_while_waiting(home):
    for _ in range(10):
        one = home.raw()
        one.send(wire.connect(5, "anna", username="anna", password=b"other"))
        one.close()
    home.connect("lamp").open("lamp").leave()


def test_names_are_taken_once(home):
    done = home.passwd("lamp", "--role", "guest", "--config", home.broker.config_file, given="x\n",
                       code=1)
    assert "device" in done.stderr
    done = home.tacit("device", "add", "anna", "--role", "device", "--state", home.state, code=1)
    assert "account" in done.stderr


def test_suspended_and_removed(home):
    one = home.raw().open("anna", username="anna", password=SECRET.encode())
    home.passwd("--suspend", "anna")
    assert one.receive().kind == wire.DISCONNECT
    assert "suspended" in reason_text(home.settle("anna", SECRET, 0x87))
    home.passwd("--resume", "anna")
    home.settle("anna", SECRET)
    one = home.raw().open("anna", username="anna", password=SECRET.encode())
    home.passwd("--remove", "anna")
    assert one.receive().kind == wire.DISCONNECT
    home.settle("anna", SECRET, 0x86)


# -- overheard: W6 ----------------------------------------------------------------------------


@pytest.mark.parametrize("version", [4, 5])
def test_a_password_in_the_clear_is_refused_and_burnt(home, version):
    assert home.log_in("anna").reason == 0
    session = home.raw().open("anna", username="anna", password=SECRET.encode())
    answer = home.log_in("anna", version=version, tls=False)
    assert answer.reason == FORBIDDEN[version]
    answer = home.log_in("anna", version=5)
    assert answer.reason == 0x87
    assert "seen in the clear" in reason_text(answer) and "tacit passwd anna" in reason_text(answer)
    assert home.log_in("anna", version=4).reason == 5
    assert session.receive().kind == wire.DISCONNECT, "who has it may be somebody else"
    assert "burnt" in home.passwd("--list").stdout
    assert "anna" in home.broker.log() and "is burnt" in home.broker.log()
    home.broker.restart()
    assert home.log_in("anna").reason == 0x87
    home.account("anna", "Another-Horse 8", role=None)
    home.settle("anna", "Another-Horse 8")
    assert home.log_in("anna", SECRET).reason == 0x86


def test_a_password_beside_a_method_is_burnt_as_well(home):
    one = home.raw(tls=False)
    one.send(wire.connect(5, "anna", username="anna", password=SECRET.encode(),
                          props=[("auth_method", "SCRAM-SHA-256"),
                                 ("auth_data", b"n,,n=anna,r=abc")]))
    assert one.expect(wire.CONNACK).reason == 0x87
    assert "seen in the clear" in reason_text(home.log_in("anna"))


def test_a_guess_in_the_clear_burns_nothing(home):
    for i in range(20):
        assert home.log_in("anna", f"guess {i}", tls=False).reason == 0x87
        assert home.log_in("nobody", f"guess {i}", tls=False).reason == 0x87
    assert home.log_in("anna", source="127.0.0.2").reason == 0


# -- guesses: A2 ------------------------------------------------------------------------------


@pytest.mark.parametrize("version", [4, 5])
def test_300_guesses(home, version):
    """At most 10 are looked at; a certificate from there comes in meanwhile, the victim from
    elsewhere."""
    answers, slow = [], []

    def look_in():
        for _ in range(20):
            begin = time.monotonic()
            home.connect("lamp").open("lamp").leave()
            slow.append(time.monotonic() - begin)

    beside = threading.Thread(target=look_in)
    beside.start()
    for i in range(300):
        answers.append(home.log_in("anna", f"guess {i}", version).reason)
    beside.join()
    assert set(answers) <= {WRONG[version], *LATER[version]}
    assert 1 <= answers.count(WRONG[version]) <= 10, answers
    assert len(slow) == 20
    assert home.log_in("anna", source="127.0.0.2").reason == 0
    assert "too many wrong passwords from 127.0.0.1" in home.broker.log()
    assert home.broker.log().count("too many wrong passwords from 127.0.0.1: none") <= 3


def test_300_guesses_at_once(home):
    counted = []

    def guess(number):
        counted.append(home.log_in("anna", f"guess {number}").reason)

    threads = [threading.Thread(target=guess, args=(i,)) for i in range(300)]
    for start in range(0, 300, 50):
        for thread in threads[start:start + 50]:
            thread.start()
        for thread in threads[start:start + 50]:
            thread.join()
    assert len(counted) == 300
    assert 1 <= counted.count(0x86) <= 10
    assert home.log_in("anna", source="127.0.0.3").reason == 0


def test_who_was_there_before_comes_in(home):
    assert home.log_in("anna").reason == 0
    home.account("berta")
    for i in range(50):
        home.log_in("berta", f"guess {i}")
    assert home.log_in("anna").reason == 0


def test_the_same_wrong_password_is_no_guess(home):
    for _ in range(50):
        assert home.log_in("anna", "yesterday's").reason == 0x86
    assert home.log_in("anna").reason == 0


# -- SCRAM ------------------------------------------------------------------------------------


def scram(one, user, password, client_id=None, reauth=False, name="SCRAM-SHA-256"):
    """The exchange; the last packet of the broker."""
    nonce = base64.b64encode(os.urandom(12)).decode()
    bare = f"n={user},r={nonce}"
    props = [("auth_method", name), ("auth_data", f"n,,{bare}".encode())]
    if reauth:
        one.send(wire.auth(0x19, props))
    else:
        one.send(wire.connect(5, client_id or user, props=props))
    first = one.receive()
    if first.kind != wire.AUTH:
        return first
    server_first = first.get("auth_data").decode()
    fields = dict(part.split("=", 1) for part in server_first.split(","))
    assert fields["r"].startswith(nonce) and int(fields["i"]) >= 4096
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), base64.b64decode(fields["s"]),
                                 int(fields["i"]))
    key = hmac.digest(salted, b"Client Key", "sha256")
    without = f"c=biws,r={fields['r']}"
    text = f"{bare},{server_first},{without}".encode()
    signature = hmac.digest(hashlib.sha256(key).digest(), text, "sha256")
    proof = base64.b64encode(bytes(a ^ b for a, b in zip(key, signature))).decode()
    one.send(wire.auth(0x18, [("auth_method", name),
                              ("auth_data", f"{without},p={proof}".encode())]))
    last = one.receive()
    if last.reason == 0:
        server = hmac.digest(hmac.digest(salted, b"Server Key", "sha256"), text, "sha256")
        assert last.get("auth_data").decode() == "v=" + base64.b64encode(server).decode()
    return last


@pytest.mark.parametrize("tls", [True, False])
def test_scram(home, tls):
    one = home.raw(tls=tls)
    assert scram(one, "anna", SECRET).reason == 0
    one.publish("home/anna/x", qos=1)
    assert scram(one, "anna", SECRET, reauth=True).reason == 0
    one.publish("home/anna/x", qos=1)
    assert scram(one, "anna", "wrong", reauth=True).reason == 0x87
    assert scram(home.raw(tls=tls), "anna", "wrong").reason == 0x87
    assert scram(home.raw(tls=tls), "nobody", SECRET).reason == 0x87
    assert scram(home.raw(tls=tls), "anna", SECRET).reason == 0, "nothing was burnt"


def salt_of(home, user):
    one = home.raw()
    one.send(wire.connect(5, user, props=[("auth_method", "SCRAM-SHA-256"),
                                          ("auth_data", f"n,,n={user},r=abc".encode())]))
    data = one.expect(wire.AUTH).get("auth_data").decode()
    one.close()
    return data.split(",")[1:]


def test_scram_does_not_tell_who_there_is(home):
    before = salt_of(home, "nobody")
    assert before == salt_of(home, "nobody") != salt_of(home, "noone")
    home.broker.restart()
    assert before == salt_of(home, "nobody")


def test_scram_guesses_count(home):
    reasons = [scram(home.raw(), "anna", f"guess {i}").reason for i in range(50)]
    assert reasons.count(0x87) <= 10 and reasons[-1] == 0x9F
    assert scram(home.raw(source="127.0.0.2"), "anna", SECRET).reason == 0


@pytest.mark.parametrize("data", [b"", b"n,,", b"p=x,,n=anna,r=a", b"n,,n=anna,r=" + b"a" * 2000,
                                  b"\xff" * 100])
def test_scram_nonsense(home, data):
    one = home.raw()
    one.send(wire.connect(5, "anna", props=[("auth_method", "SCRAM-SHA-256"),
                                            ("auth_data", data)]))
    assert one.expect(wire.CONNACK).reason == 0x87


# -- other people's clients, and what mosquitto left behind ------------------------------------


def mosquitto_pub(home, user, password, folder, *more):
    return subprocess.run(["mosquitto_pub", "-h", "localhost", "-p", str(home.broker.port),
                           "--cafile", str(home.authority()), "-u", user, "-P", password, "-i",
                           user, "-t", f"home/{user}/x", "-m", "hello", "-q", "1", *more],
                          capture_output=True, text=True, timeout=patience(20.0))


PASSWORD_FILE = """# of mosquitto
six:$6$ebqjFk4Dou65eeMk$aA5Z8pFbz3M3K/fPtog+LvWoSHKUNva7myTwafPJQcVH8C98LHj1RtB94RK66l69yl9OhIsQpCU3UDc17dr7yw==
seven:$7$101$D/eAlzm5t9rh/Fgz$/W9Wg7/2RjXJkKFa399YRdbIVHVYya+fA9sg5aj8k35ysFx6y1xRrd+IVCcco42WnhcNOlioaDYKwLydPzJRmQ==

plain:geheim
bad name:$6$x$y
anna:$7$101$D/eAlzm5t9rh/Fgz$/W9Wg7/2RjXJkKFa399YRdbIVHVYya+fA9sg5aj8k35ysFx6y1xRrd+IVCcco42WnhcNOlioaDYKwLydPzJRmQ==
lamp:$7$101$D/eAlzm5t9rh/Fgz$/W9Wg7/2RjXJkKFa399YRdbIVHVYya+fA9sg5aj8k35ysFx6y1xRrd+IVCcco42WnhcNOlioaDYKwLydPzJRmQ==
"""


@pytest.mark.parametrize("version", ["mqttv311", "mqttv5"])
def test_import(home, tmp_path, version):
    path = tmp_path / "passwords"
    path.write_text(PASSWORD_FILE)
    done = home.passwd("--import", path, "--role", "guest", "--config", home.broker.config_file,
                       code=1)
    assert "2 accounts added" in done.stdout and "4 lines refused" in done.stdout
    for line in (5, 6, 7, 8):
        assert f"{path}:{line}: " in done.stderr
    assert "tacit passwd plain" in done.stderr and "geheim" not in done.stderr
    assert home.passwd("--list").stdout.count("imported") == 2
    for user in ("six", "seven"):
        assert mosquitto_pub(home, user, "offen", tmp_path, "-V", version).returncode != 0
        for _ in range(2):
            done = mosquitto_pub(home, user, "geheim", tmp_path, "-V", version)
            assert done.returncode == 0, done
    assert "imported" not in home.passwd("--list").stdout, "hashed anew at the first log-in"
    assert scram(home.raw(), "six", "geheim").reason == 0


@pytest.mark.parametrize("version", [4, 5])
def test_paho(home, version):
    import paho.mqtt.client as paho
    done = threading.Event()
    client = paho.Client(client_id="anna", protocol=version)
    client.username_pw_set("anna", SECRET)
    client.tls_set(str(home.authority()))
    client.on_message = lambda *_: done.set()
    client.on_connect = lambda c, *_: c.subscribe("home/anna/x", 1)
    client.on_subscribe = lambda c, *_: c.publish("home/anna/x", b"hello", 1)
    client.connect("localhost", home.broker.port)
    client.loop_start()
    try:
        assert done.wait(10)
    finally:
        client.disconnect()
        client.loop_stop()


def test_tacit_pub(home, tmp_path):
    path = tmp_path / "password"
    path.write_text(SECRET + "\n")
    home.tacit("pub", "-h", "localhost", "-p", home.broker.port, "--cafile", home.authority(),
               "-u", "anna", "--password-file", path, "-i", "anna", "-t", "home/anna/x", "-m", "x")


# -- the tool ---------------------------------------------------------------------------------


def test_passwd_says_what_is_missing(home):
    config = ["--config", home.broker.config_file]
    assert "--role" in home.passwd("new", given="x\n", code=2).stderr
    assert "ASCII" in home.passwd("anna", given="Schlüssel\n", code=2).stderr
    assert "--generate" in home.passwd("anna", given="", code=2).stderr
    assert home.passwd("a b", "--role", "guest", *config, given="x\n", code=2).stderr
    assert home.passwd("new", "--role", "gust", *config, given="x\n", code=None).returncode != 0
    assert home.passwd("--remove", "nobody", code=1).stderr
    assert home.passwd("--list", "--remove", "anna", code=2).stderr
    assert home.passwd(code=2).stderr
    home.settle("anna", SECRET)


def test_generate(home):
    password = home.passwd("berta", "--role", "guest", "--config", home.broker.config_file,
                           "--generate").stdout.strip()
    assert len(password) == 24
    home.settle("berta", password)
    assert password not in home.passwd("--list").stdout


def test_no_password_is_told(home):
    """Neither in the log, nor in a command line, nor in the registry, nor in the memory of the
    broker once it was looked at."""
    process = home.popen("passwd", "--list", "--state", home.state)
    process.communicate(timeout=patience(20.0))
    marks = ["Mark-of-a-right-one-1", "Mark-of-a-wrong-one-2", "Mark-in-the-clear-3"]
    home.account("berta", marks[0])
    home.settle("berta", marks[0])
    home.log_in("berta", marks[1])
    home.log_in("berta", marks[2], tls=False)
    time.sleep(0.3)
    texts = home.broker.log().encode()
    texts += pathlib.Path(f"/proc/{home.broker.process.pid}/cmdline").read_bytes()
    texts += b"".join(p.read_bytes() for p in home.state.rglob("*") if p.is_file())
    for mark in marks:
        assert mark.encode() not in texts
    for mark in marks[1:]:
        assert not found_in(home.broker.process.pid, mark.encode()), mark


# -- configuration ----------------------------------------------------------------------------


@pytest.mark.parametrize("listener, word", [
    ('{ tls = off address = "127.0.0.1" passwords = on }', "overheard"),
    ("{ passwords = on }", "client-certificates = optional"),
    ("{ client-certificates = optional passwords = maybe }", "maybe"),
])
def test_wrong_configuration(tmp_path, listener, word):
    from support.broker import TACITD
    path = tmp_path / "bad.conf"
    path.write_text(f'listener "a" {listener}\n')
    done = subprocess.run([str(TACITD), "--check", "--config", str(path)], capture_output=True,
                          text=True, timeout=patience(20.0))
    assert done.returncode != 0 and "bad.conf:1" in done.stderr and word in done.stderr


def test_passwords_are_off_by_default():
    with House() as one:
        one.broker.stop()
        one.broker.config = ('listener "mqtts" { client-certificates = optional }\n'
                             'role "guest" { publish = { "a" } }\n')
        one.broker.start()
        raw = RawClient("127.0.0.1", one.broker.port, 5, tls=one.context())
        raw.send(wire.connect(5, "anna", username="anna", password=b"x"))
        assert raw.expect(wire.CONNACK).reason == 0x86
        try:
            last = scram(RawClient("127.0.0.1", one.broker.port, 5, tls=one.context()), "a", "b")
            assert last.reason == 0x8C
        except Closed:
            pass


# -- tokens -----------------------------------------------------------------------------------


def part(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Issuer:
    def __init__(self, folder):
        self.key, self.public = folder / "issuer.key", folder / "issuer.pem"
        subprocess.run(["openssl", "genpkey", "-algorithm", "RSA", "-out", str(self.key)],
                       check=True, capture_output=True)
        subprocess.run(["openssl", "pkey", "-in", str(self.key), "-pubout", "-out",
                        str(self.public)], check=True, capture_output=True)

    def token(self, name="meter", seconds=60, algorithm="RS256", **claims):
        body = {"iss": "house", "aud": "mqtt", "sub": name, "role": "guest",
                "exp": int(time.time()) + seconds, **claims}
        signed = f'{part(json.dumps({"alg": algorithm}).encode())}.{part(json.dumps(body).encode())}'
        done = subprocess.run(["openssl", "dgst", "-sha256", "-sign", str(self.key)], check=True,
                              input=signed.encode(), capture_output=True)
        return f"{signed}.{part(done.stdout)}"


TOKENS = """
listener "tokens" {{ address = "127.0.0.1" port = {port} client-certificates = optional
  tokens {{ key = "{key}" issuer = house audience = mqtt role-claim = role }} }}
"""


@pytest.fixture
def services(tmp_path):
    issuer = Issuer(tmp_path)
    port = free_port()
    with Home(2, TOKENS.format(port=port, key=issuer.public)) as one:
        one.issuer, one.tokens = issuer, port
        yield one


def bring(home, token, version=5, user="", port=None, client_id="meter"):
    one = RawClient("127.0.0.1", port or home.tokens, version, tls=home.context())
    one.send(wire.connect(version, client_id, username=user, password=token.encode()))
    return one, one.expect(wire.CONNACK)


@pytest.mark.parametrize("version", [4, 5])
def test_tokens(services, version):
    one, answer = bring(services, services.issuer.token(), version)
    assert answer.reason == 0
    one.publish("home/meter/x", qos=1)
    assert bring(services, services.issuer.token(), version, "meter")[1].reason == 0
    for token in (services.issuer.token(seconds=-70), services.issuer.token(aud="http"),
                  services.issuer.token(algorithm="none"), services.issuer.token()[:-4],
                  services.issuer.token(role="nothing"), services.issuer.token("a/b")):
        assert bring(services, token, version)[1].reason == FORBIDDEN[version]
    assert bring(services, services.issuer.token(), version, "other")[1].reason != 0
    assert bring(services, services.issuer.token(), version, client_id="other")[1].reason != 0
    assert bring(services, services.issuer.token(), version,
                 port=services.broker.port)[1].reason == WRONG[version], "not on that listener"


def test_a_token_does_not_speak_for_a_device_or_an_account(services):
    services.account("anna")
    services.add("lamp", "device")
    time.sleep(0.5)
    for name in ("anna", "lamp"):
        answer = bring(services, services.issuer.token(name), client_id=name)[1]
        assert answer.reason == 0x87 and "registry" in reason_text(answer)


@pytest.mark.parametrize("version", [4, 5])
def test_a_session_ends_with_its_token(services, version):
    one, answer = bring(services, services.issuer.token(seconds=-57), version)
    assert answer.reason == 0
    if version == 5:
        assert one.expect(wire.DISCONNECT).reason == 0xA0
    one.expect_closed()


def test_a_token_is_renewed_without_a_new_connection(services):
    def props(token):
        return [("auth_method", "JWT"), ("auth_data", token.encode())]
    one = RawClient("127.0.0.1", services.tokens, 5, tls=services.context())
    one.send(wire.connect(5, "meter", props=props(services.issuer.token(seconds=-57))))
    one.expect(wire.CONNACK, reason=0)
    one.send(wire.auth(0x19, props(services.issuer.token(seconds=60))))
    one.expect(wire.AUTH, reason=0)
    time.sleep(4)
    one.publish("home/meter/x", qos=1)
    one.send(wire.auth(0x19, props(services.issuer.token("other"))))
    assert one.expect(wire.DISCONNECT).reason == 0x87


def test_keys_are_read_again(services, tmp_path):
    old = services.issuer.token()
    folder = tmp_path / "new"
    folder.mkdir()
    other = Issuer(folder)
    assert bring(services, other.token())[1].reason == 0x87
    services.issuer.public.write_bytes(other.public.read_bytes())
    services.broker.reload()
    deadline = time.monotonic() + 5
    while bring(services, other.token())[1].reason != 0:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert bring(services, old)[1].reason == 0x87


@pytest.mark.parametrize("block, word", [
    ('key = "none.pem" issuer = a audience = b role = guest', None),
    ("issuer = a audience = b role = guest", "key"),
    ('key = "k" audience = b role = guest', "issuer"),
    ('key = "k" issuer = a audience = b', "role-claim"),
    ('key = "k" issuer = a audience = b role = guest role-claim = r', "role-claim"),
])
def test_wrong_tokens_block(tmp_path, block, word):
    from support.broker import TACITD
    path = tmp_path / "bad.conf"
    path.write_text('role "guest" { publish = { "a" } }\n'
                    f'listener "a" {{ client-certificates = optional tokens {{ {block} }} }}\n')
    done = subprocess.run([str(TACITD), "--check", "--config", str(path)], capture_output=True,
                          text=True, timeout=patience(20.0))
    if word is None:
        assert "none.pem" in done.stderr and done.returncode != 0
    else:
        assert done.returncode != 0 and "bad.conf:2" in done.stderr and word in done.stderr
