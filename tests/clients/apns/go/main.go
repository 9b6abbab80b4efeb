// Command apns-sideshow pushes with sideshow/apns2. It reads the job of the file named and
// writes the results as JSON.
package main

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/sideshow/apns2"
	"github.com/sideshow/apns2/certificate"
	"golang.org/x/net/http2"
)

const timeout = 10 * time.Second

type push struct {
	Token   string          `json:"token"`
	Payload json.RawMessage `json:"payload"`
	Headers struct {
		ID         string `json:"apns-id"`
		Topic      string `json:"apns-topic"`
		Type       string `json:"apns-push-type"`
		Priority   int    `json:"apns-priority"`
		CollapseID string `json:"apns-collapse-id"`
		Expiration int64  `json:"apns-expiration"`
	} `json:"headers"`
}

type job struct {
	Address     string `json:"address"`
	Port        int    `json:"port"`
	CA          string `json:"ca"`
	Certificate string `json:"certificate"`
	Key         string `json:"key"`
	Packed      string `json:"packed"`
	Password    string `json:"pkcs12_password"`
	AtOnce      bool   `json:"at_once"`
	Pushes      []push `json:"pushes"`
}

type result struct {
	Status    int    `json:"status"`
	ID        string `json:"id"`
	Reason    string `json:"reason"`
	Timestamp *int64 `json:"timestamp"`
	Error     string `json:"error"`
}

// client returns apns2's client; without a certificate it has nothing to show.
func client(j job) (*apns2.Client, error) {
	pem, err := os.ReadFile(j.CA)
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%s holds no certificate", j.CA)
	}
	config := &tls.Config{RootCAs: roots}
	var pair tls.Certificate
	if j.Packed != "" {
		if pair, err = certificate.FromP12File(j.Packed, j.Password); err != nil {
			return nil, err
		}
		config.Certificates = []tls.Certificate{pair}
	} else if j.Certificate != "" {
		if pair, err = tls.LoadX509KeyPair(j.Certificate, j.Key); err != nil {
			return nil, err
		}
		config.Certificates = []tls.Certificate{pair}
	}
	made := apns2.NewClient(pair)
	made.Host = fmt.Sprintf("https://%s:%d", j.Address, j.Port)
	made.HTTPClient = &http.Client{
		Transport: &http2.Transport{TLSClientConfig: config, ReadIdleTimeout: apns2.ReadIdleTimeout},
		Timeout:   timeout,
	}
	return made, nil
}

func send(c *apns2.Client, p push) result {
	note := &apns2.Notification{
		DeviceToken: p.Token,
		Payload:     []byte(p.Payload),
		ApnsID:      p.Headers.ID,
		Topic:       p.Headers.Topic,
		PushType:    apns2.EPushType(p.Headers.Type),
		Priority:    p.Headers.Priority,
		CollapseID:  p.Headers.CollapseID,
		Expiration:  time.Unix(p.Headers.Expiration, 0),
	}
	answer, err := c.Push(note)
	if err != nil {
		return result{Error: err.Error()}
	}
	found := result{Status: answer.StatusCode, ID: answer.ApnsID, Reason: answer.Reason}
	if !answer.Timestamp.IsZero() {
		moment := answer.Timestamp.UnixMilli()
		found.Timestamp = &moment
	}
	return found
}

func run(j job) ([]result, error) {
	c, err := client(j)
	if err != nil {
		return nil, err
	}
	results := make([]result, len(j.Pushes))
	var pending sync.WaitGroup
	for i, p := range j.Pushes {
		pending.Add(1)
		one := func() { defer pending.Done(); results[i] = send(c, p) }
		if j.AtOnce {
			go one()
		} else {
			one()
		}
	}
	pending.Wait()
	return results, nil
}

func main() {
	text, err := os.ReadFile(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	var j job
	if err := json.Unmarshal(text, &j); err != nil {
		log.Fatal(err)
	}
	results, err := run(j)
	if err != nil {
		log.Fatal(err)
	}
	if err := json.NewEncoder(os.Stdout).Encode(results); err != nil {
		log.Fatal(err)
	}
}
