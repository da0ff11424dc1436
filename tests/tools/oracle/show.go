package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/moby/buildkit/solver/pb"
	"google.golang.org/protobuf/encoding/protojson"
)

// summary is an answer as a person wants to see it: vertices, config, history, or the error.
func summary(a answer) []string {
	if a.failure != nil {
		return []string{strings.TrimSuffix(a.failure.text(), "\n")}
	}
	var lines []string
	for _, platform := range slices.Sorted(maps.Keys(a.refs)) {
		g, err := newGraph(a.refs[platform])
		if err != nil {
			return []string{err.Error()}
		}
		if platform != "" {
			lines = append(lines, platform)
		}
		for _, vertex := range g.order {
			lines = append(lines, vertex[7:15]+" "+g.name(vertex))
		}
	}
	for _, key := range slices.Sorted(maps.Keys(a.metadata)) {
		lines = append(lines, key+" "+string(a.metadata[key]))
	}
	return lines
}

// dump is an answer as JSON, ops by digest.
func dump(a answer) []string {
	if a.failure != nil {
		return []string{a.failure.text()}
	}
	document := map[string]any{}
	for platform, definition := range a.refs {
		document["definition "+platform] = definitionJSON(definition)
	}
	for key, value := range a.metadata {
		document[key] = rawOrText(value)
	}
	data, err := json.MarshalIndent(document, "", "  ")
	if err != nil {
		return []string{err.Error()}
	}
	return []string{string(data)}
}

func definitionJSON(definition *pb.Definition) any {
	g, err := newGraph(definition)
	if err != nil {
		return err.Error()
	}
	var vertices []any
	for _, vertex := range g.order {
		op, err := protojson.Marshal(g.ops[vertex])
		if err != nil {
			return err.Error()
		}
		vertices = append(vertices, map[string]any{
			"digest":    vertex,
			"op":        json.RawMessage(op),
			"metadata":  g.metadata(vertex),
			"locations": g.locations(vertex),
		})
	}
	var infos []any
	for _, info := range definition.GetSource().GetInfos() {
		infos = append(infos, fmt.Sprintf("%s (%s), %d bytes", info.Filename, info.Language, len(info.Data)))
	}
	return map[string]any{"vertices": vertices, "infos": infos}
}

func rawOrText(value []byte) any {
	if json.Valid(value) && bytes.HasPrefix(value, []byte("{")) {
		return json.RawMessage(value)
	}
	return string(value)
}
