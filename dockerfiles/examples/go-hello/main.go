// The hello program of the tutorials.
package main

import "fmt"

func main() {
	fmt.Println("Hello, distroless!")
}
