# SPDX-License-Identifier: Apache-2.0
"""A subscriber or publisher with aiomqtt; arguments as in paho_c.c."""

import asyncio
import sys

import aiomqtt


async def main(act, version, host, port, authority, certificate, key, name, topic, qos, count):
    protocol = aiomqtt.ProtocolVersion.V5 if version == "5" else aiomqtt.ProtocolVersion.V311
    tls = aiomqtt.TLSParameters(ca_certs=authority, certfile=certificate, keyfile=key)
    async with aiomqtt.Client(host, int(port), identifier=name, protocol=protocol,
                              tls_params=tls) as client:
        if act == "pub":
            for i in range(int(count)):
                await client.publish(topic, str(i), int(qos))
                # One at a time: aiomqtt takes one packet for each time its socket has bytes, and
                # leaves the others of the same TLS record lying until more bytes come.
                await asyncio.sleep(0.02)
            return
        await client.subscribe(topic, int(qos))
        print("ready", flush=True)
        left = int(count)
        async for message in client.messages:
            print(message.payload.decode(), flush=True)
            left -= 1
            if not left:
                return


asyncio.run(main(*sys.argv[1:]))
