package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

// fields is a JSON document as one line for each leaf: its path and its value.
type fields map[string]string

// messageFields flattens a message; a nil message has no fields.
func messageFields(m proto.Message) fields {
	data, err := protojson.MarshalOptions{EmitUnpopulated: false}.Marshal(m)
	if err != nil {
		return fields{"": "not JSON: " + err.Error()}
	}
	result, _ := jsonFields(data)
	return result
}

// jsonFields flattens a document; false if it is none.
func jsonFields(data []byte) (fields, bool) {
	var document any
	if err := json.Unmarshal(data, &document); err != nil {
		return nil, false
	}
	result := fields{}
	flatten("", document, result)
	return result, true
}

func flatten(path string, value any, into fields) {
	switch value := value.(type) {
	case map[string]any:
		// An empty message is not the same as an absent one.
		if len(value) == 0 && path != "" {
			into[path] = "{}"
		}
		for key, member := range value {
			flatten(path+"."+key, member, into)
		}
	case []any:
		if len(value) == 0 {
			into[path] = "[]"
		}
		for i, item := range value {
			flatten(fmt.Sprintf("%s[%d]", path, i), item, into)
		}
	case string:
		if strings.HasSuffix(path, ".data") {
			// The content of a file, which JSON carries as base64.
			if data, err := base64.StdEncoding.DecodeString(value); err == nil {
				value = string(data)
			}
		}
		into[path] = fmt.Sprintf("%q", value)
	default:
		into[path] = fmt.Sprint(value)
	}
}

// diffFields has a line for each leaf that is not the same on both sides.
func diffFields(official, ours fields) []string {
	paths := slices.Collect(maps.Keys(official))
	for path := range ours {
		if _, both := official[path]; !both {
			paths = append(paths, path)
		}
	}
	slices.Sort(paths)
	var lines []string
	for _, path := range paths {
		if official[path] != ours[path] {
			lines = append(lines, fmt.Sprintf("%s\n  official  %s\n  ours      %s", path, leaf(official, path), leaf(ours, path)))
		}
	}
	return lines
}

func leaf(f fields, path string) string {
	if value, ok := f[path]; ok {
		return value
	}
	return "(absent)"
}
