package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// testCase is one directory: a Dockerfile, and what its build is given.
type testCase struct {
	name string
	dir  string
	// opts are the frontend options, such as "build-arg:X" or "target".
	opts map[string]string
	// locals are further local directories of the session, relative to dir.
	locals map[string]string
	// inputs are definitions that the frontend is given, as scheme:rest.
	inputs map[string]string
	// stores are OCI layouts of the session, relative to dir.
	stores map[string]string
	// chance: what cannot be compared is left out, see settled.
	chance bool
	// hide takes what changes from run to run out of texts.
	hide func(string) string
}

// caseOptions is the form of options.json.
type caseOptions struct {
	Opts   map[string]string `json:"opts"`
	Locals map[string]string `json:"locals"`
	Inputs map[string]string `json:"inputs"`
	Stores map[string]string `json:"stores"`
}

// loadCases reads the cases whose names match, in order of names.
func loadCases(dir, only string, served *web) ([]testCase, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var cases []testCase
	for _, entry := range entries {
		if !entry.IsDir() || !selected(only, entry.Name()) {
			continue
		}
		c := testCase{name: entry.Name(), dir: filepath.Join(dir, entry.Name())}
		if !c.exists() {
			continue
		}
		if err := c.loadOptions(); err != nil {
			return nil, fmt.Errorf("%s: %w", c.dir, err)
		}
		c.hide = served.hide
		for _, options := range []map[string]string{c.opts, c.inputs} {
			for key, value := range options {
				options[key] = served.fill(value, c.name)
			}
		}
		cases = append(cases, c)
	}
	if len(cases) == 0 {
		return nil, fmt.Errorf("no case of %s matches %q", dir, only)
	}
	return cases, nil
}

// exists tells whether the directory is a case at all: other tests keep their data beside ours.
func (c testCase) exists() bool {
	for _, file := range []string{"Dockerfile", "dockerfile", "options.json"} {
		if _, err := os.Stat(filepath.Join(c.dir, file)); err == nil {
			return true
		}
	}
	return false
}

func selected(only, name string) bool {
	if only == "" {
		return true
	}
	for pattern := range strings.SplitSeq(only, ",") {
		if ok, _ := path.Match(pattern, name); ok {
			return true
		}
	}
	return false
}

func (c *testCase) loadOptions() error {
	data, err := os.ReadFile(filepath.Join(c.dir, "options.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	var options caseOptions
	decoder := json.NewDecoder(strings.NewReader(string(data)))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&options); err != nil {
		return err
	}
	c.opts, c.locals, c.inputs, c.stores = options.Opts, options.Locals, options.Inputs, options.Stores
	return nil
}

// errorFile is what the official frontend says about a case that must fail.
func (c testCase) errorFile() string {
	return filepath.Join(c.dir, "error.txt")
}

// checkError says how the official answer differs from what the case is there to show.
func (c testCase) checkError(official answer) []string {
	wanted, err := os.ReadFile(c.errorFile())
	switch {
	case errors.Is(err, fs.ErrNotExist) && official.failure == nil:
		return nil
	case errors.Is(err, fs.ErrNotExist):
		return []string{"the official frontend fails, but the case has no error.txt:", official.failure.text()}
	case err != nil:
		return []string{err.Error()}
	case official.failure == nil:
		return []string{"the case has an error.txt, but the official frontend accepts it"}
	case official.failure.text() != string(wanted):
		return []string{"error.txt is not what the official frontend says:", official.failure.text()}
	}
	return nil
}

// recordError makes error.txt agree with the official answer.
func (c testCase) recordError(official answer) error {
	if official.failure == nil {
		err := os.Remove(c.errorFile())
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	}
	return os.WriteFile(c.errorFile(), []byte(official.failure.text()), 0o644)
}
