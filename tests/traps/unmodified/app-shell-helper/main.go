package main

import (
	"fmt"
	"os"
	"os/exec"
)

func main() {
	info, err := os.Stat("scripts/deploy.sh")
	fmt.Println("script there:", err == nil && info.Mode().Perm()&0o111 != 0)
	out, err := exec.Command("figlet", "ok").Output()
	fmt.Println(err == nil, len(out) > 0)
}
