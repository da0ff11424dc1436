package main

import (
	"archive/tar"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"maps"

	"github.com/moby/buildkit/client"
)

// compareBuilds builds a case with both frontends and compares the file systems that come out.
// Equal graphs run once: what is compared is that both are accepted and name the same result.
func compareBuilds(ctx context.Context, daemon *client.Client, c testCase, frontends []frontend) []string {
	if _, again := c.opts["no-cache"]; again {
		// Its steps run twice, and what they make has two times.
		return nil
	}
	official, failedOfficial := build(ctx, daemon, c, frontends[0])
	ours, failedOurs := build(ctx, daemon, c, frontends[1])
	if failedOfficial != "" || failedOurs != "" {
		if (failedOfficial == "") == (failedOurs == "") {
			// The texts hold names of references, which are random.
			return nil
		}
		return []string{"the build by official: " + failedOfficial, "the build by ours: " + failedOurs}
	}
	return titled("file systems", diffFields(official, ours))
}

// build is what a result has at each path; or why there is none.
func build(ctx context.Context, daemon *client.Client, c testCase, f frontend) (fields, string) {
	mounts, cleanup, err := localMounts(c)
	if err != nil {
		return nil, err.Error()
	}
	defer cleanup()
	attrs := maps.Clone(c.opts)
	if attrs == nil {
		attrs = map[string]string{}
	}
	maps.Copy(attrs, f.opts)
	reader, writer := io.Pipe()
	files := make(chan fields, 1)
	go func() {
		read, err := readTar(reader)
		if err != nil {
			read = fields{"": err.Error()}
		}
		io.Copy(io.Discard, reader)
		files <- read
	}()
	_, err = daemon.Solve(ctx, nil, client.SolveOpt{
		Frontend:            f.name,
		FrontendAttrs:       attrs,
		LocalMounts:         mounts,
		SharedKey:           "oracle/" + c.name,
		AllowedEntitlements: []string{"network.host", "security.insecure", "device"},
		Internal:            true,
		Exports: []client.ExportEntry{{
			Type:   client.ExporterTar,
			Output: func(map[string]string) (io.WriteCloser, error) { return writer, nil },
		}},
	}, nil)
	writer.Close()
	found := <-files
	if err != nil {
		return nil, err.Error()
	}
	return found, ""
}

func readTar(in io.Reader) (fields, error) {
	result := fields{}
	archive := tar.NewReader(in)
	for {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return result, nil
		}
		if err != nil {
			return nil, err
		}
		content := sha256.New()
		if _, err := io.Copy(content, archive); err != nil {
			return nil, err
		}
		result[header.Name] = fmt.Sprintf("%c %o %d:%d %s %s %x %v", header.Typeflag, header.Mode, header.Uid, header.Gid,
			header.ModTime.UTC(), header.Linkname, content.Sum(nil)[:8], header.PAXRecords)
	}
}
