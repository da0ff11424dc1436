package main

import (
	"strings"
	"testing"

	"github.com/moby/buildkit/solver/pb"
	"github.com/opencontainers/go-digest"
	"google.golang.org/protobuf/proto"
)

// sample is a graph of one RUN on an image; change may alter it before it is encoded.
type sample struct {
	image, run *pb.Op
	runMeta    *pb.OpMetadata
	line       int32
	reversed   bool
	config     string
}

func sampleAnswer(t *testing.T, change func(*sample)) answer {
	t.Helper()
	s := &sample{
		image:   &pb.Op{Op: &pb.Op_Source{Source: &pb.SourceOp{Identifier: "docker-image://x"}}, Constraints: &pb.WorkerConstraints{}},
		run:     &pb.Op{Op: &pb.Op_Exec{Exec: &pb.ExecOp{Meta: &pb.Meta{Args: []string{"true"}, Cwd: "/"}}}, Constraints: &pb.WorkerConstraints{}},
		runMeta: &pb.OpMetadata{Description: map[string]string{"llb.customname": "[2/2] RUN true"}, ProgressGroup: &pb.ProgressGroup{Id: "random-1", Name: "g"}},
		line:    2,
		config:  `{"a":1,"b":2}`,
	}
	if change != nil {
		change(s)
	}
	definition := &pb.Definition{Metadata: map[string]*pb.OpMetadata{}}
	add := func(op *pb.Op) string {
		data, err := proto.MarshalOptions{Deterministic: true}.Marshal(op)
		if err != nil {
			t.Fatal(err)
		}
		definition.Def = append(definition.Def, data)
		name := digest.FromBytes(data).String()
		definition.Metadata[name] = &pb.OpMetadata{}
		return name
	}
	imageName := add(s.image)
	s.run.Inputs = []*pb.Input{{Digest: imageName}}
	runName := add(s.run)
	definition.Metadata[runName] = s.runMeta
	if s.reversed {
		definition.Def[0], definition.Def[1] = definition.Def[1], definition.Def[0]
	}
	add(&pb.Op{Inputs: []*pb.Input{{Digest: runName}}})
	definition.Source = &pb.Source{Locations: map[string]*pb.Locations{
		runName: {Locations: []*pb.Location{{Ranges: []*pb.Range{{Start: &pb.Position{Line: s.line}, End: &pb.Position{Line: s.line}}}}}},
	}}
	return answer{refs: map[string]*pb.Definition{"": definition}, metadata: map[string][]byte{"containerimage.config": []byte(s.config)}}
}

func TestCompareAnswers(t *testing.T) {
	for _, row := range []struct {
		summary string
		change  func(*sample)
		said    string // empty: no difference
	}{
		{"equal answers", nil, ""},
		{"ids of progress groups are random", func(s *sample) { s.runMeta.ProgressGroup.Id = "random-2" }, ""},
		{"a field of an op", func(s *sample) { s.run.GetExec().Meta.Cwd = "/w" }, "vertex [2/2] RUN true:\n.exec.meta.cwd\n  official  \"/\"\n  ours      \"/w\""},
		{"a difference below is told once, where it starts", func(s *sample) { s.image.GetSource().Identifier = "docker-image://y" }, "vertex docker-image://x / ours: docker-image://y:\n.source.identifier"},
		{"a missing empty message", func(s *sample) { s.run.Constraints = nil }, ".constraints\n  official  {}\n  ours      (absent)"},
		{"the name of a vertex", func(s *sample) { s.runMeta.Description["llb.customname"] = "RUN true" }, "metadata:\n.description.llb.customname"},
		{"membership of a progress group", func(s *sample) { s.runMeta.ProgressGroup = nil }, ".progressGroup.id"},
		{"a location", func(s *sample) { s.line = 3 }, "locations:\n.locations[0].ranges[0].end.line\n  official  2\n  ours      3"},
		{"the order of ops", func(s *sample) { s.reversed = true }, "the same ops in another order:"},
		{"a value of the config", func(s *sample) { s.config = `{"a":1,"b":3}` }, "containerimage.config:\n.b\n  official  2\n  ours      3"},
		{"the order of members of the config", func(s *sample) { s.config = `{"b":2,"a":1}` }, "containerimage.config:\nbytes differ"},
	} {
		t.Run(row.summary, func(t *testing.T) {
			got := strings.Join(compareAnswers(sampleAnswer(t, nil), sampleAnswer(t, row.change)), "\n")
			if (row.said == "") != (got == "") || !strings.Contains(got, row.said) {
				t.Errorf("said:\n%s\nwanted:\n%s", got, row.said)
			}
		})
	}
}

func TestFailuresMustBeEqual(t *testing.T) {
	official := answer{failure: &failure{message: "m", code: "Unknown"}}
	for _, row := range []struct {
		summary string
		ours    answer
		said    string
	}{
		{"the same text", answer{failure: &failure{message: "m", code: "Unknown"}}, ""},
		{"another text", answer{failure: &failure{message: "n", code: "Unknown"}}, "official says:\nm\n\nours says:\nn\n"},
		{"another code", answer{failure: &failure{message: "m", code: "Internal"}}, "status code: official Unknown, ours Internal"},
		{"no failure", answer{}, "ours accepts it, official fails:\nm\n"},
	} {
		if got := strings.Join(compareAnswers(official, row.ours), "\n"); got != row.said {
			t.Errorf("%s: said %q, wanted %q", row.summary, got, row.said)
		}
	}
}
