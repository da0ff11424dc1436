package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/linter"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/moby/buildkit/solver/pb"
)

// compareBelowTarget checks that distilling changes no vertex that the target stage builds upon:
// each vertex which an instruction outside of the target stage made, with its inputs, must be ours
// as well.
func compareBelowTarget(c testCase, official, ours answer) []string {
	if official.failure != nil || ours.failure != nil {
		return compareFailures(official.failure, ours.failure)
	}
	first, last, err := targetLines(c)
	if err != nil {
		return []string{err.Error()}
	}
	var lines []string
	for _, platform := range union(official.refs, ours.refs) {
		a, err := newGraph(official.refs[platform])
		if err != nil {
			return []string{"official: " + err.Error()}
		}
		b, err := newGraph(ours.refs[platform])
		if err != nil {
			return []string{"ours: " + err.Error()}
		}
		required := map[string]bool{}
		for vertex, locations := range a.definition.GetSource().GetLocations() {
			if !within(locations, first, last) {
				a.addWithInputs(vertex, required)
			}
		}
		for _, vertex := range a.order {
			if required[vertex] && b.ops[vertex] == nil {
				lines = append(lines, "ours lacks "+a.name(vertex))
			}
		}
	}
	return lines
}

func (g *graph) addWithInputs(vertex string, into map[string]bool) {
	if into[vertex] {
		return
	}
	into[vertex] = true
	for _, input := range g.ops[vertex].GetInputs() {
		g.addWithInputs(input.Digest, into)
	}
}

// within tells whether all locations lie between two lines.
func within(locations *pb.Locations, first, last int) bool {
	for _, location := range locations.GetLocations() {
		for _, r := range location.GetRanges() {
			if int(r.GetStart().GetLine()) < first || int(r.GetEnd().GetLine()) > last {
				return false
			}
		}
	}
	return true
}

// targetLines are the first and the last line of the target stage.
func targetLines(c testCase) (first, last int, err error) {
	name := c.opts["filename"]
	if name == "" {
		name = "Dockerfile"
	}
	data, err := os.ReadFile(filepath.Join(c.dir, name))
	if errors.Is(err, fs.ErrNotExist) {
		data, err = os.ReadFile(filepath.Join(c.dir, strings.ToLower(name)))
	}
	if err != nil {
		return 0, 0, err
	}
	result, err := parser.Parse(strings.NewReader(string(data)))
	if err != nil {
		return 0, 0, err
	}
	stages, _, err := instructions.Parse(result.AST, linter.New(&linter.Config{SkipAll: true}))
	if err != nil {
		return 0, 0, err
	}
	target := len(stages) - 1
	for i, stage := range stages {
		if c.opts["target"] != "" && strings.EqualFold(stage.Name, c.opts["target"]) {
			target = i
		}
	}
	last = strings.Count(string(data), "\n") + 1
	if target+1 < len(stages) {
		last = stages[target+1].Location[0].Start.Line - 1
	}
	return stages[target].Location[0].Start.Line, last, nil
}
