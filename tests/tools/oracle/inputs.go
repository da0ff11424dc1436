package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/containerd/containerd/v2/core/content"
	"github.com/containerd/containerd/v2/plugins/content/local"
	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/solver/pb"
)

// definitions are the frontend inputs of a case: local:NAME, image:REF, git:URL, http:URL, or scratch.
func definitions(ctx context.Context, inputs map[string]string) (map[string]*pb.Definition, error) {
	result := map[string]*pb.Definition{}
	for name, text := range inputs {
		scheme, rest, _ := strings.Cut(text, ":")
		var state llb.State
		switch scheme {
		case "local":
			state = llb.Local(rest, llb.LocalUniqueID("oracle"), llb.WithCustomName("an input from "+rest))
		case "image":
			state = llb.Image(rest, llb.LinuxAmd64)
		case "git":
			state = llb.Git(rest, "")
		case "http":
			state = llb.HTTP(rest, llb.Filename("file"))
		case "scratch":
			state = llb.Scratch()
		case "file":
			path, data, _ := strings.Cut(rest, "=")
			state = llb.Scratch().File(llb.Mkfile(path, 0o644, []byte(data)))
		default:
			return nil, fmt.Errorf("an input of unknown kind: %s", text)
		}
		definition, err := state.Marshal(ctx, llb.LinuxAmd64)
		if err != nil {
			return nil, err
		}
		result[name] = definition.ToPB()
	}
	return result, nil
}

// openStores opens copies of the OCI layouts of a case: a store writes beside its blobs.
func openStores(c testCase) (map[string]content.Store, func(), error) {
	stores := map[string]content.Store{}
	var copies []string
	remove := func() {
		for _, dir := range copies {
			os.RemoveAll(dir)
		}
	}
	for name, dir := range c.stores {
		temporary, err := os.MkdirTemp("", "oracle-store-")
		if err != nil {
			remove()
			return nil, nil, err
		}
		copies = append(copies, temporary)
		err = os.CopyFS(temporary, os.DirFS(filepath.Join(c.dir, dir)))
		if err == nil {
			stores[name], err = local.NewStore(temporary)
		}
		if err != nil {
			remove()
			return nil, nil, err
		}
	}
	return stores, remove, nil
}
