# SPDX-License-Identifier: Apache-2.0
"""What bench/run can measure: arguments of the load generator, which relay is
the floor, and the least share of that floor wanted.

`want` is what every release has to reach; `goal` is where the work on speed is
heading. Both are shares of the floor; for memory, bytes per connection."""

PLAIN, TLS, MTLS = "plain", "tls", "mtls"
# For memory there are two figures: of connections that stay with OpenSSL, and of those that leave it,
# as tacitd has them where nothing else is said.
TLS_DETACHED, MTLS_DETACHED = "tls-detached", "mtls-detached"
SETTLE_S = {TLS_DETACHED: 10, MTLS_DETACHED: 10}  # till all have left, with time to spare


class Scenario:
    def __init__(self, arguments, wire=PLAIN, floor=None, floor_arguments=None, want=None,
                 goal=None, kind="messages", config=None):
        self.arguments = arguments.split()
        self.detach = None  # tacitd's word of tls-detach; None: nothing is said
        self.wire = wire.removesuffix("-detached")
        self.floor = floor  # mode of the relay, None: no floor
        self.floor_arguments = (floor_arguments or arguments).split()
        self.want = want
        self.goal = goal
        self.kind = kind  # messages, memory or connections
        self.config = config  # tacitd's, of bench/; None: that of the wire


def idle_scenario(arguments, wire, goal=None):
    """The floor answers with less than a broker holds; mosquitto is the bound."""
    found = Scenario(f"idle {arguments}", wire, "p2p", None, None, goal, "memory")
    found.detach = "off" if wire in (TLS, MTLS) else None
    return found


def messages(arguments, floor, plain, tls=None, floor_arguments=None):
    """Yields (suffix, Scenario) for the wires which have a figure (want, goal)."""
    yield "", Scenario(arguments, PLAIN, floor, floor_arguments, *plain)
    if tls:
        yield "-tls", Scenario(arguments, TLS, floor, floor_arguments, *tls)


def table():
    pairs = "p2p --pairs 100"
    out = "fanout --pubs 1 --subs 1000"
    into = "fanin --pubs 1000 --subs 1"
    rows = {
        "p2p-qos0": messages(f"{pairs} --qos 0", "p2p", (.09, .25), (.20, .40)),
        "p2p-qos1": messages(f"{pairs} --qos 1", "p2p", (.16, .40), (.24, .50)),
        "p2p-qos1-v5": messages(f"{pairs} --qos 1 --mqtt 5", "p2p", (None, .35)),
        "p2p-qos2": messages(f"{pairs} --qos 2", "p2p", (None, .23), (None, .33),
                             f"{pairs} --qos 1"),
        "p2p-qos0-window1": messages(f"{pairs} --qos 0 --window 1", "p2p", (None, .85),
                                     (None, .85)),
        "p2p-qos1-window1": messages(f"{pairs} --qos 1 --window 1", "p2p", (None, .85)),
        "p2p-qos0-1k": messages(f"{pairs} --qos 0 --size 1024", "p2p", (None, .55), (None, .80)),
        "fanout": messages(f"{out} --qos 0", "fanout", (None, .50), (None, .75)),
        "fanout-qos1": messages(f"{out} --qos 1", "fanout", (None, .32), None, f"{out} --qos 0"),
        "fanin": messages(f"{into} --qos 0 --window 8", "fanin", (None, .75), (None, .80)),
        "fanin-qos1": messages(f"{into} --qos 1 --window 8", "fanin", (None, .40), None,
                               f"{into} --qos 0 --window 8"),
        "share": messages("share --pubs 100 --subs 100 --qos 1 --window 8", None, (None, None)),
    }
    found = {name + suffix: scenario for name, variants in rows.items()
             for suffix, scenario in variants}
    found["p2p-qos0-mtls"] = Scenario(f"{pairs} --qos 0", MTLS, "p2p")
    found["p2p-qos1-mtls"] = Scenario(f"{pairs} --qos 1", MTLS, "p2p")
    for name, wire, conns, goal in (("idle-plain", PLAIN, 10000, 900), ("idle-tls", TLS, 5000, 15872),
                                    ("idle-mtls", MTLS, 1000, 20480)):
        found[name] = idle_scenario(f"--conns {conns}", wire, goal)
    for name, wire, more in (("connect", PLAIN, ""), ("handshake", TLS, ""),
                             ("handshake-resumed", TLS, " --resume"), ("handshake-mtls", MTLS, ""),
                             ("handshake-mtls-resumed", MTLS, " --resume")):
        found[name] = Scenario("conn --churn" + more, wire, "p2p", None, None,
                               .95 if wire != MTLS else None, "connections")
    return found


# Measured by `bench/run all`: enough to see every promise of the first release.
ALL = ("p2p-qos0", "p2p-qos0-tls", "p2p-qos1", "p2p-qos1-tls", "p2p-qos0-mtls", "p2p-qos1-mtls",
       "p2p-qos2", "p2p-qos0-window1", "fanout", "fanin", "share", "idle-plain", "idle-tls",
       "idle-mtls", "connect", "handshake", "handshake-resumed", "handshake-mtls",
       "handshake-mtls-resumed")
