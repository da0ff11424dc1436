package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/moby/buildkit/client"
)

// requestNames are what a client can ask in place of a build.
var requestNames = []string{"frontend.lint", "frontend.outline", "frontend.targets", "frontend.convertllb"}

// compareRequests puts each request about a case to both frontends.
func compareRequests(ctx context.Context, daemon *client.Client, c testCase, frontends []frontend) []string {
	if _, is := c.opts["requestid"]; is {
		return nil
	}
	var asked []frontend
	names := c.askable(requestNames)
	for _, name := range names {
		for _, f := range frontends {
			f.opts = maps.Clone(f.opts)
			f.opts["requestid"] = name
			asked = append(asked, f)
		}
	}
	answers, err := ask(ctx, daemon, c, asked)
	if err != nil {
		return []string{"the session of the requests failed: " + err.Error()}
	}
	var lines []string
	for i, name := range names {
		official, ours := answers[2*i], answers[2*i+1]
		lines = append(lines, titled(name, compareRequest(official, ours))...)
	}
	return lines
}

// askable are the requests that the daemon survives. Up to BuildKit 0.34.2 two of them end the whole buildkitd:
// "targets" has no linter, and a comment `check=` above an instruction makes it panic; "outline" takes a stage
// that is named scratch for the base of those that begin with the empty image, and goes in circles.
func (c testCase) askable(names []string) []string {
	data, err := os.ReadFile(filepath.Join(c.dir, "Dockerfile"))
	if err != nil {
		return names
	}
	withheld := map[string]bool{}
	head := true
	for line := range bytes.SplitSeq(data, []byte("\n")) {
		head = head && directive.Match(line)
		if !head && checkComment.Match(line) {
			withheld["frontend.targets"] = true
		}
		if namesScratch.Match(line) {
			withheld["frontend.outline"] = true
		}
	}
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool { return withheld[name] })
}

var (
	directive    = regexp.MustCompile(`(?i)^#\s*(syntax|escape|check)\s*=`)
	checkComment = regexp.MustCompile(`(?i)#\s*check\s*=`)
	namesScratch = regexp.MustCompile(`(?i)\sas\s+scratch\s*$`)
)

func compareRequest(official, ours answer) []string {
	if official.failure != nil || ours.failure != nil {
		return compareFailures(official.failure, ours.failure)
	}
	if maps.EqualFunc(official.metadata, ours.metadata, bytes.Equal) {
		return nil
	}
	a, b := canonical(official.metadata), canonical(ours.metadata)
	var lines []string
	for _, key := range union(a, b) {
		if a[key] == b[key] {
			continue
		}
		fieldsA, isJSON := jsonFields([]byte(a[key]))
		fieldsB, bothJSON := jsonFields([]byte(b[key]))
		if difference := diffFields(fieldsA, fieldsB); isJSON && bothJSON && len(difference) > 0 {
			lines = append(lines, titled(key, difference)...)
		} else {
			lines = append(lines, key+" differs", "official:", a[key], "ours:", b[key])
		}
	}
	return lines
}

// canonical are the parts of an answer with what is chance in the official frontend in one order.
func canonical(metadata map[string][]byte) map[string]string {
	result := map[string]string{}
	for key, value := range metadata {
		result[key] = string(value)
	}
	var document struct {
		Warnings   []map[string]any `json:"warnings"`
		Args       []map[string]any `json:"args"`
		Secrets    []map[string]any `json:"secrets"`
		SSH        []map[string]any `json:"ssh"`
		BuildError map[string]any   `json:"buildError"`
	}
	var all map[string]any
	if json.Unmarshal(metadata["result.json"], &document) != nil || json.Unmarshal(metadata["result.json"], &all) != nil {
		return result
	}
	for key, list := range map[string][]map[string]any{"warnings": document.Warnings, "args": document.Args, "secrets": document.Secrets, "ssh": document.SSH} {
		if len(list) > 0 {
			sortRuns(list, key == "warnings")
			all[key] = list
		}
	}
	if message, ok := document.BuildError["message"].(string); ok {
		document.BuildError["message"] = sortRules(message)
		all["buildError"] = document.BuildError
	}
	data, err := json.MarshalIndent(all, "", "  ")
	if err != nil {
		return result
	}
	result["result.json"] = progressGroup.ReplaceAllString(string(data), `$1"id": "random"`)
	// The text is the same list, put in order of lines by a sort that mixes what is equal.
	result["result.txt"] = sortBlocks(result["result.txt"])
	return result
}

var progressGroup = regexp.MustCompile(`("progress_group": \{\s+)"id": "[^"]*"`)

// byChance are the rules whose findings come in the order of a Go map or of parallel lookups.
var byChance = []string{"UndefinedVar", "UndefinedArgInFrom", seenPlatform}

// sortRuns sorts neighbours that have equal places and, of warnings, equal rules of chance.
func sortRuns(list []map[string]any, warnings bool) {
	run := func(item map[string]any) string {
		if !warnings {
			return fmt.Sprint(item["location"])
		}
		if rule := fmt.Sprint(item["ruleName"]); slices.Contains(byChance, rule) {
			if rule == seenPlatform {
				return rule
			}
			return rule + fmt.Sprint(item["location"])
		}
		return ""
	}
	for start := 0; start < len(list); {
		end := start + 1
		for end < len(list) && run(list[start]) != "" && run(list[end]) == run(list[start]) {
			end++
		}
		slices.SortStableFunc(list[start:end], func(a, b map[string]any) int {
			return strings.Compare(fmt.Sprint(a), fmt.Sprint(b))
		})
		start = end
	}
}

// sortRules puts the rules of an error about violations in order.
func sortRules(message string) string {
	const prefix = "lint violation found for rules: "
	rest, ok := strings.CutPrefix(message, prefix)
	if !ok {
		return message
	}
	rules := strings.Split(rest, ", ")
	slices.Sort(rules)
	return prefix + strings.Join(rules, ", ")
}

// sortBlocks sorts the lines of tables, and the blocks of a list of warnings.
func sortBlocks(text string) string {
	separator := "\n"
	if strings.Contains(text, warningMark) {
		separator = warningMark
	}
	blocks := strings.Split(text, separator)
	slices.Sort(blocks)
	return strings.Join(blocks, separator)
}
