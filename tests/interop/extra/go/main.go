// SPDX-License-Identifier: Apache-2.0

// A subscriber or publisher with paho Go; arguments as in paho_c.c.
package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log"
	"net/url"
	"os"
	"strconv"
	"time"

	"github.com/eclipse/paho.golang/autopaho"
	"github.com/eclipse/paho.golang/paho"
	mqtt "github.com/eclipse/paho.mqtt.golang"
)

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func number(text string) int {
	n, err := strconv.Atoi(text)
	must(err)
	return n
}

func security(a []string) *tls.Config {
	authority, err := os.ReadFile(a[5])
	must(err)
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(authority)
	own, err := tls.LoadX509KeyPair(a[6], a[7])
	must(err)
	return &tls.Config{RootCAs: roots, Certificates: []tls.Certificate{own}, NextProtos: []string{"mqtt"}}
}

func wait(left chan struct{}, count int) {
	fmt.Println("ready")
	for i := 0; i < count; i++ {
		select {
		case <-left:
		case <-time.After(20 * time.Second):
			log.Fatal("messages are missing")
		}
	}
}

func three(a []string, qos byte, count int) {
	left := make(chan struct{}, count)
	options := mqtt.NewClientOptions().AddBroker("ssl://" + a[3] + ":" + a[4]).SetClientID(a[8]).
		SetTLSConfig(security(a)).SetProtocolVersion(4).SetAutoReconnect(false)
	client := mqtt.NewClient(options)
	done := func(token mqtt.Token) {
		token.Wait()
		must(token.Error())
	}
	done(client.Connect())
	if a[1] == "pub" {
		for i := 0; i < count; i++ {
			done(client.Publish(a[9], qos, false, strconv.Itoa(i)))
		}
	} else {
		done(client.Subscribe(a[9], qos, func(_ mqtt.Client, m mqtt.Message) {
			fmt.Println(string(m.Payload()))
			left <- struct{}{}
		}))
		wait(left, count)
	}
	client.Disconnect(500)
}

func five(a []string, qos byte, count int) {
	left := make(chan struct{}, count)
	where, err := url.Parse("mqtts://" + a[3] + ":" + a[4])
	must(err)
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	config := autopaho.ClientConfig{ServerUrls: []*url.URL{where}, TlsCfg: security(a), KeepAlive: 30,
		CleanStartOnInitialConnection: true}
	config.ClientID = a[8]
	config.OnPublishReceived = []func(paho.PublishReceived) (bool, error){
		func(p paho.PublishReceived) (bool, error) {
			fmt.Println(string(p.Packet.Payload))
			left <- struct{}{}
			return true, nil
		}}
	client, err := autopaho.NewConnection(ctx, config)
	must(err)
	must(client.AwaitConnection(ctx))
	if a[1] == "pub" {
		for i := 0; i < count; i++ {
			_, err := client.Publish(ctx, &paho.Publish{Topic: a[9], QoS: qos, Payload: []byte(strconv.Itoa(i))})
			must(err)
		}
	} else {
		_, err := client.Subscribe(ctx, &paho.Subscribe{
			Subscriptions: []paho.SubscribeOptions{{Topic: a[9], QoS: qos}}})
		must(err)
		wait(left, count)
	}
	must(client.Disconnect(ctx))
}

func main() {
	a := os.Args
	qos, count := byte(number(a[10])), number(a[11])
	if a[2] == "5" {
		five(a, qos, count)
	} else {
		three(a, qos, count)
	}
}
