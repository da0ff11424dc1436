package main

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"
)

// wantedDifferences are the known ones: each line of the file is a case (or a glob) and the reason.
type wantedDifferences [][2]string

func loadWanted(file string) (wantedDifferences, error) {
	in, err := os.Open(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer in.Close()
	var list wantedDifferences
	lines := bufio.NewScanner(in)
	for lines.Scan() {
		line := strings.TrimSpace(lines.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		name, reason, found := strings.Cut(line, " ")
		if !found || strings.TrimSpace(reason) == "" {
			return nil, fmt.Errorf("%s: %q has no reason", file, line)
		}
		list = append(list, [2]string{name, strings.TrimSpace(reason)})
	}
	return list, lines.Err()
}

// reason is why a case may differ; empty if it may not.
func (w wantedDifferences) reason(name string) string {
	for _, entry := range w {
		if ok, _ := path.Match(entry[0], name); ok {
			return entry[1]
		}
	}
	return ""
}
