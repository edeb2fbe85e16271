# SPDX-License-Identifier: Apache-2.0
"""A subscriber or publisher with gmqtt; arguments as in paho_c.c."""

import asyncio
import ssl
import sys

import gmqtt
from gmqtt.mqtt.constants import MQTTv50, MQTTv311


async def main(act, version, host, port, authority, certificate, key, name, topic, qos, count):
    tls = ssl.create_default_context(cafile=authority)
    tls.load_cert_chain(certificate, key)
    left, ended = int(count), asyncio.Event()
    client = gmqtt.Client(name, clean_session=True)

    def on_message(_client, _topic, payload, _qos, _properties):
        nonlocal left
        print(payload.decode(), flush=True)
        left -= 1
        if not left:
            ended.set()
        return 0

    def on_subscribe(*_):
        print("ready", flush=True)

    client.on_message, client.on_subscribe = on_message, on_subscribe
    await client.connect(host, int(port), ssl=tls, version=MQTTv50 if version == "5" else MQTTv311)
    if act == "sub":
        client.subscribe(topic, int(qos))
        await asyncio.wait_for(ended.wait(), 30)
        await asyncio.sleep(0.3)  # gmqtt fails when an exchange is cut off by its own goodbye
        await asyncio.sleep(0.3)  # gmqtt minds what comes after its own goodbye
    else:
        for i in range(int(count)):
            client.publish(topic, str(i), int(qos))
        await asyncio.sleep(1)
    await client.disconnect()


asyncio.run(main(*sys.argv[1:]))
