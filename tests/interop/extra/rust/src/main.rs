// SPDX-License-Identifier: Apache-2.0
//! A subscriber or publisher with rumqttc; arguments as in paho_c.c.
use rumqttc::{TlsConfiguration, Transport};
use std::time::Duration;

fn transport(args: &[String]) -> Transport {
    let read = |i: usize| std::fs::read(&args[i]).expect("readable file");
    Transport::Tls(TlsConfiguration::Simple {
        ca: read(5),
        alpn: Some(vec![b"mqtt".to_vec()]),
        client_auth: Some((read(6), read(7))),
    })
}

macro_rules! exchange {
    ($client:ident, $connection:ident, $publish:path, $suback:path, $puback:path, $pubcomp:path,
     $connack:path, $packet:path, $outgoing:path, $qos:expr, $args:ident) => {{
        let count: usize = $args[11].parse().unwrap();
        let topic = $args[9].clone();
        let is_publisher = $args[1] == "pub";
        let (mut done, mut seen) = (false, 0);
        if !is_publisher {
            $client.subscribe(topic.clone(), $qos).unwrap();
        }
        for event in $connection.iter() {
            match event.expect("a sound connection") {
                $packet($connack(_)) if is_publisher => {
                    for i in 0..count {
                        $client.publish(topic.clone(), $qos, false, i.to_string()).unwrap();
                    }
                }
                $packet($suback(_)) => println!("ready"),
                $packet($publish(p)) => {
                    println!("{}", String::from_utf8_lossy(&p.payload));
                    seen += 1;
                }
                $packet($puback(_)) | $packet($pubcomp(_)) => seen += 1,
                $outgoing(rumqttc::Outgoing::Publish(_)) if $args[10] == "0" => seen += 1,
                $outgoing(rumqttc::Outgoing::Disconnect) => done = true,
                _ => {}
            }
            if done {
                break;
            }
            if seen == count {
                seen += 1;
                $client.disconnect().unwrap();
            }
        }
    }};
}

fn main() {
    let args: Vec<String> = std::env::args().collect();
    let port: u16 = args[4].parse().unwrap();
    if args[2] == "5" {
        use rumqttc::v5::mqttbytes::{v5::Packet, QoS};
        use rumqttc::v5::{Client, Event, MqttOptions};
        let mut options = MqttOptions::new(&args[8], &args[3], port);
        options.set_transport(transport(&args)).set_keep_alive(Duration::from_secs(30));
        let qos = [QoS::AtMostOnce, QoS::AtLeastOnce, QoS::ExactlyOnce][args[10].parse::<usize>().unwrap()];
        let (client, mut connection) = Client::new(options, 100);
        exchange!(client, connection, Packet::Publish, Packet::SubAck, Packet::PubAck, Packet::PubComp,
                  Packet::ConnAck, Event::Incoming, Event::Outgoing, qos, args);
    } else {
        use rumqttc::{Client, Event, MqttOptions, Packet, QoS};
        let mut options = MqttOptions::new(&args[8], &args[3], port);
        options.set_transport(transport(&args)).set_keep_alive(Duration::from_secs(30));
        let qos = [QoS::AtMostOnce, QoS::AtLeastOnce, QoS::ExactlyOnce][args[10].parse::<usize>().unwrap()];
        let (client, mut connection) = Client::new(options, 100);
        exchange!(client, connection, Packet::Publish, Packet::SubAck, Packet::PubAck, Packet::PubComp,
                  Packet::ConnAck, Event::Incoming, Event::Outgoing, qos, args);
    }
}
