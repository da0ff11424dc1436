package main

import (
	"fmt"
	"net/http"
	"os"
)

func main() {
	text, err := os.ReadFile(os.Args[2])
	if err != nil {
		panic(err)
	}
	if err := os.WriteFile("/var/lib/web/started", text, 0o600); err != nil {
		panic(err)
	}
	http.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, "%s as %d\n", text, os.Getuid())
	})
	panic(http.ListenAndServe("127.0.0.1:8080", nil))
}
