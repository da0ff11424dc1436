package main

import (
	"bytes"
	"fmt"
	"maps"
	"slices"

	gatewaypb "github.com/moby/buildkit/frontend/gateway/pb"
	"github.com/moby/buildkit/solver/pb"
	"google.golang.org/protobuf/proto"
)

// compareAnswers says all that differs; nothing when the answers are equal.
func compareAnswers(official, ours answer) []string {
	if official.failure != nil || ours.failure != nil {
		return compareFailures(official.failure, ours.failure)
	}
	var lines []string
	for _, platform := range union(official.refs, ours.refs) {
		lines = append(lines, titled(platform, compareDefinitions(official.refs[platform], ours.refs[platform]))...)
	}
	for _, key := range union(official.metadata, ours.metadata) {
		lines = append(lines, compareMetadata(key, official.metadata, ours.metadata)...)
	}
	for _, platform := range union(official.attestations, ours.attestations) {
		difference := compareAttestations(official.attestations[platform], ours.attestations[platform])
		lines = append(lines, titled("attestations of "+platform, difference)...)
	}
	return lines
}

func compareFailures(official, ours *failure) []string {
	switch {
	case official == nil:
		return []string{"official accepts it, ours fails:", ours.text()}
	case ours == nil:
		return []string{"ours accepts it, official fails:", official.text()}
	}
	var lines []string
	if official.text() != ours.text() {
		lines = append(lines, "official says:", official.text(), "ours says:", ours.text())
	}
	if official.code != ours.code {
		lines = append(lines, fmt.Sprintf("status code: official %s, ours %s", official.code, ours.code))
	}
	if len(official.sources) == len(ours.sources) {
		for i, source := range official.sources {
			lines = append(lines, titled(fmt.Sprintf("source %d of the error", i), compareSourceInfo(source.Info, ours.sources[i].Info))...)
		}
	}
	return lines
}

// compareMetadata compares one entry of the result map. The bytes must be equal: an image is
// named by the digest of its config.
func compareMetadata(key string, official, ours map[string][]byte) []string {
	a, inOfficial := official[key]
	b, inOurs := ours[key]
	switch {
	case !inOfficial:
		return []string{fmt.Sprintf("%s: only ours has it: %s", key, b)}
	case !inOurs:
		return []string{fmt.Sprintf("%s: only official has it: %s", key, a)}
	case bytes.Equal(a, b):
		return nil
	}
	fieldsA, isJSON := jsonFields(a)
	fieldsB, bothJSON := jsonFields(b)
	lines := diffFields(fieldsA, fieldsB)
	if !isJSON || !bothJSON || len(lines) == 0 {
		lines = []string{fmt.Sprintf("bytes differ\n  official  %s\n  ours      %s", a, b)}
	}
	return titled(key, lines)
}

func compareAttestations(official, ours *gatewaypb.Attestations) []string {
	a, b := official.GetAttestation(), ours.GetAttestation()
	if len(a) != len(b) {
		return []string{fmt.Sprintf("official has %d, ours %d", len(a), len(b))}
	}
	var lines []string
	for i := range a {
		lines = append(lines, diffFields(attestationFields(a[i]), attestationFields(b[i]))...)
		lines = append(lines, compareDefinitions(a[i].GetRef().GetDef(), b[i].GetRef().GetDef())...)
	}
	return lines
}

// attestationFields leaves out the reference, whose id is random.
func attestationFields(a *gatewaypb.Attestation) fields {
	shown := proto.Clone(a).(*gatewaypb.Attestation)
	shown.Ref = nil
	return messageFields(shown)
}

func compareSourceInfo(official, ours *pb.SourceInfo) []string {
	a, b := messageFields(withoutDefinition(official)), messageFields(withoutDefinition(ours))
	lines := diffFields(a, b)
	return append(lines, titled("its definition", compareDefinitions(official.GetDefinition(), ours.GetDefinition()))...)
}

func withoutDefinition(info *pb.SourceInfo) *pb.SourceInfo {
	if info == nil {
		return nil
	}
	shown := proto.Clone(info).(*pb.SourceInfo)
	shown.Definition = nil
	return shown
}

// titled puts a title above lines, if there are any.
func titled(title string, lines []string) []string {
	if len(lines) == 0 || title == "" {
		return lines
	}
	return append([]string{title + ":"}, lines...)
}

// union has the keys of both maps, sorted.
func union[V any](a, b map[string]V) []string {
	keys := maps.Clone(a)
	if keys == nil {
		keys = map[string]V{}
	}
	maps.Copy(keys, b)
	return slices.Sorted(maps.Keys(keys))
}
