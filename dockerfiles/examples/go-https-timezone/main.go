// An HTTPS server that tells the time of a zone: it needs the system's certificates and time zones,
// which no linker entry shows. With -once it answers one request to itself and ends.
package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"flag"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"time"
)

// moment is fixed, so that the answer is the same at every run.
var moment = time.Date(2024, time.July, 1, 12, 0, 0, 0, time.UTC)

func clock(w http.ResponseWriter, r *http.Request) {
	zone, err := time.LoadLocation(r.URL.Query().Get("zone"))
	if err != nil {
		http.Error(w, err.Error(), http.StatusNotFound)
		return
	}
	fmt.Fprint(w, moment.In(zone).Format("2006-01-02 15:04 MST"))
}

// selfSigned makes a certificate for localhost that lives as long as the process.
func selfSigned() (tls.Certificate, *x509.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, nil, err
	}
	template := &x509.Certificate{
		SerialNumber:          big.NewInt(1),
		Subject:               pkix.Name{CommonName: "localhost"},
		NotBefore:             time.Now().Add(-time.Hour),
		NotAfter:              time.Now().Add(24 * time.Hour),
		IsCA:                  true,
		BasicConstraintsValid: true,
		DNSNames:              []string{"localhost"},
		IPAddresses:           []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return tls.Certificate{}, nil, err
	}
	leaf, err := x509.ParseCertificate(der)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}, leaf, err
}

func main() {
	address := flag.String("listen", "127.0.0.1:0", "address to listen on")
	once := flag.Bool("once", false, "answer one request to itself and end")
	flag.Parse()

	roots, err := x509.SystemCertPool()
	if err != nil {
		log.Fatal("system certificates: ", err)
	}
	fmt.Printf("trusts system certificates: %t\n", !roots.Equal(x509.NewCertPool()))

	certificate, leaf, err := selfSigned()
	if err != nil {
		log.Fatal(err)
	}
	listener, err := tls.Listen("tcp", *address, &tls.Config{Certificates: []tls.Certificate{certificate}})
	if err != nil {
		log.Fatal(err)
	}
	server := &http.Server{Handler: http.HandlerFunc(clock), ReadHeaderTimeout: 5 * time.Second}
	if !*once {
		log.Fatal(server.Serve(listener))
	}
	go server.Serve(listener)

	roots.AddCert(leaf)
	client := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}}
	for _, zone := range []string{"Europe/Berlin", "Asia/Tokyo"} {
		answer, err := client.Get("https://" + listener.Addr().String() + "/?zone=" + zone)
		if err != nil {
			log.Fatal(err)
		}
		body, err := io.ReadAll(answer.Body)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%s: %s\n", zone, body)
	}
}
