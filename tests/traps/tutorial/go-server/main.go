package main

import (
	"crypto/x509"
	"fmt"
	"html/template"
	"log"
	"net/http"
	"time"
)

func main() {
	pages := template.Must(template.ParseGlob("templates/*.html"))
	http.Handle("/static/", http.StripPrefix("/static/", http.FileServer(http.Dir("static"))))
	http.HandleFunc("/roots", func(w http.ResponseWriter, _ *http.Request) {
		pool, err := x509.SystemCertPool()
		fmt.Fprintln(w, err == nil && !pool.Equal(x509.NewCertPool()))
	})
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		zone, err := time.LoadLocation("Asia/Tokyo")
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		pages.ExecuteTemplate(w, "index.html", time.Unix(0, 0).In(zone).Format(time.RFC3339))
	})
	log.Fatal(http.ListenAndServe(":8080", nil))
}
