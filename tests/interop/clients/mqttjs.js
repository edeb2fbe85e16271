// SPDX-License-Identifier: Apache-2.0
// A subscriber or publisher with mqtt.js; arguments as in paho_c.c.
'use strict'
const fs = require('fs')
const mqtt = require(process.env.MQTTJS_MODULE)

const [act, version, host, port, authority, certificate, key, name, topic, qos, count] =
  process.argv.slice(2)
const client = mqtt.connect(`mqtts://${host}:${port}`, {
  clientId: name,
  protocolVersion: version === '5' ? 5 : 4,
  ca: fs.readFileSync(authority),
  cert: fs.readFileSync(certificate),
  key: fs.readFileSync(key),
  reconnectPeriod: 0
})

function fail (error) {
  console.error(`mqtt.js: ${error.message}`)
  process.exit(1)
}

client.on('error', fail)
client.on('connect', async () => {
  if (act === 'pub') {
    for (let i = 0; i < Number(count); i++) {
      await client.publishAsync(topic, String(i), { qos: Number(qos) })
    }
    return client.end()
  }
  let left = Number(count)
  client.on('message', (_topic, payload) => {
    console.log(payload.toString())
    if (--left === 0) client.end()
  })
  const granted = await client.subscribeAsync(topic, { qos: Number(qos) }).catch(fail)
  if (granted[0].qos >= 128) fail(new Error(`SUBACK ${granted[0].qos}`))
  console.log('ready')
})
