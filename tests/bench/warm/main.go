package main

import (
	"flag"
	"fmt"
	"os"
)

var version = "unset"

func main() {
	settings := flag.String("settings", "settings.json", "a JSON file")
	flag.Parse()
	text, err := os.ReadFile(*settings)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Printf("server %s: %s", version, text)
}
