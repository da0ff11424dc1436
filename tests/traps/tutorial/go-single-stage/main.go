package main

import (
	"fmt"
	"os/user"
)

func main() {
	root, err := user.LookupId("0")
	fmt.Println("hello", root.Username, err)
}
