//go:build tools

// Package tools pins the runc that the private Docker Engine starts containers with.
package tools

import (
	_ "github.com/opencontainers/runc"
)
