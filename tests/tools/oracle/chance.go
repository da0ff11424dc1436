package main

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
)

// What is chance in the official frontend, and cannot be put in order: which of several candidates
// that are equally near it suggests, which of several base images that fail it names, and whose
// platform it has seen by then. Cases pin down what it says when there is one; random Dockerfiles
// have several.
var (
	suggestion  = regexp.MustCompile(` \(did you mean [^()]*\?\)`)
	failingBase = regexp.MustCompile(`failed to (parse stage name|resolve source metadata for) `)
)

const (
	seenPlatform = "InvalidBaseImagePlatform"
	warningMark  = "\nWARNING: "
)

// settled is an error message without what is chance, and whether its place is chance, too.
func settled(message string) (string, bool) {
	if found := failingBase.FindStringSubmatch(message); found != nil {
		return "one of the base images: failed to " + found[1], true
	}
	return suggestion.ReplaceAllString(message, " (did you mean …?)"), false
}

// settledMetadata does the same for the error in the answer to a lint request.
func settledMetadata(metadata map[string][]byte) map[string][]byte {
	var document map[string]any
	if json.Unmarshal(metadata["result.json"], &document) != nil {
		return metadata
	}
	buildError, _ := document["buildError"].(map[string]any)
	message, ok := buildError["message"].(string)
	if !ok {
		return metadata
	}
	text, anywhere := settled(message)
	buildError["message"] = text
	if anywhere {
		delete(buildError, "location")
		warnings, _ := document["warnings"].([]any)
		document["warnings"] = slices.DeleteFunc(warnings, func(item any) bool {
			warning, _ := item.(map[string]any)
			return warning["ruleName"] == seenPlatform
		})
		blocks := strings.Split(string(metadata["result.txt"]), warningMark)
		blocks = slices.DeleteFunc(blocks, func(block string) bool { return strings.HasPrefix(block, seenPlatform) })
		metadata["result.txt"] = []byte(strings.Join(blocks, warningMark))
	}
	if data, err := json.MarshalIndent(document, "", "  "); err == nil {
		metadata["result.json"] = data
	}
	return metadata
}
