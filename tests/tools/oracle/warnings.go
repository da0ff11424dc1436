package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/moby/buildkit/client"
)

// compareWarnings asks each frontend once more, in a session of its own, because warnings come
// through the progress of a session. Their order is chance in the official frontend.
func compareWarnings(ctx context.Context, daemon *client.Client, c testCase, frontends []frontend) []string {
	var lists [2][]string
	for i, f := range frontends {
		list, err := warnings(ctx, daemon, c, f)
		if err != nil {
			return []string{"the build session failed: " + err.Error()}
		}
		lists[i] = list
	}
	var lines []string
	for _, warning := range missing(lists[0], lists[1]) {
		lines = append(lines, "only official warns: "+warning)
	}
	for _, warning := range missing(lists[1], lists[0]) {
		lines = append(lines, "only ours warns: "+warning)
	}
	return lines
}

// missing are the entries of one list that another does not have, as often as they are missing.
func missing(list, in []string) []string {
	in = slices.Clone(in)
	var result []string
	for _, entry := range list {
		if i := slices.Index(in, entry); i >= 0 {
			in = slices.Delete(in, i, i+1)
		} else {
			result = append(result, entry)
		}
	}
	return result
}

func warnings(ctx context.Context, daemon *client.Client, c testCase, f frontend) ([]string, error) {
	progress := make(chan *client.SolveStatus)
	collected := make(chan []string)
	go func() {
		var list []string
		for status := range progress {
			for _, warning := range status.Warnings {
				list = append(list, describe(warning))
			}
		}
		slices.Sort(list)
		collected <- list
	}()
	_, err := askWith(ctx, daemon, c, []frontend{f}, progress)
	return <-collected, err
}

func describe(w *client.VertexWarning) string {
	var details []string
	for _, detail := range w.Detail {
		details = append(details, string(detail))
	}
	return fmt.Sprintf("%s\n  level %d, %s, at %s:%s\n  %s", w.Short, w.Level, w.URL, w.SourceInfo.GetFilename(), lines(w.Range), strings.Join(details, "\n  "))
}
