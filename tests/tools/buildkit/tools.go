//go:build tools

// Package tools pins the programs that decant's daemon tests run: one build of
// BuildKit, its client, buildx and the official Dockerfile frontend.
package tools

import (
	_ "github.com/docker/buildx/cmd/buildx"
	_ "github.com/moby/buildkit/cmd/buildctl"
	_ "github.com/moby/buildkit/cmd/buildkitd"
	_ "github.com/moby/buildkit/frontend/dockerfile/cmd/dockerfile-frontend"
)
