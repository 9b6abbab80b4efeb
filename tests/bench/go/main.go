// The bare Go server of the benchmark: net/http over TLS and HTTP/2, which
// reads a push, checks nothing, keeps nothing, and answers as APNs does.
package main

import (
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
)

func main() {
	http.HandleFunc("/3/device/", func(answer http.ResponseWriter, push *http.Request) {
		if _, err := io.Copy(io.Discard, push.Body); err != nil {
			return
		}
		answer.Header().Set("apns-id", "9CC486EA-EA83-9351-40DF-557A308816D8")
		answer.WriteHeader(http.StatusOK)
	})
	pair, err := tls.LoadX509KeyPair(os.Args[1], os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(listener.Addr().(*net.TCPAddr).Port)
	server := http.Server{TLSConfig: &tls.Config{Certificates: []tls.Certificate{pair}}}
	log.Fatal(server.ServeTLS(listener, "", ""))
}
