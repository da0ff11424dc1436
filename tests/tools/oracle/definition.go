package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/moby/buildkit/solver/pb"
	"github.com/opencontainers/go-digest"
	"google.golang.org/protobuf/proto"
)

// graph is a definition whose ops are decoded.
type graph struct {
	definition *pb.Definition
	order      []string // digests, as the definition lists them
	ops        map[string]*pb.Op
	groups     map[string]string // random ids of progress groups → their order of appearance
}

func newGraph(definition *pb.Definition) (*graph, error) {
	g := &graph{definition: definition, ops: map[string]*pb.Op{}, groups: map[string]string{}}
	for i, data := range definition.GetDef() {
		op := &pb.Op{}
		if err := proto.Unmarshal(data, op); err != nil {
			return nil, fmt.Errorf("op %d does not decode: %w", i, err)
		}
		name := digest.FromBytes(data).String()
		g.order = append(g.order, name)
		g.ops[name] = op
		if id := definition.Metadata[name].GetProgressGroup().GetId(); id != "" && g.groups[id] == "" {
			g.groups[id] = fmt.Sprint("group ", len(g.groups))
		}
	}
	return g, nil
}

// name is what the client calls a vertex, or else its operation.
func (g *graph) name(vertex string) string {
	if name := g.definition.GetMetadata()[vertex].GetDescription()["llb.customname"]; name != "" {
		return name
	}
	op := g.ops[vertex]
	switch op.GetOp().(type) {
	case *pb.Op_Source:
		return op.GetSource().GetIdentifier()
	case nil:
		return "result"
	}
	return strings.TrimPrefix(fmt.Sprintf("%T", op.GetOp()), "*pb.Op_")
}

func (g *graph) metadata(vertex string) fields {
	meta, ok := g.definition.GetMetadata()[vertex]
	if !ok {
		return fields{"": "no metadata entry"}
	}
	meta = proto.Clone(meta).(*pb.OpMetadata)
	if meta.ProgressGroup != nil {
		meta.ProgressGroup.Id = g.groups[meta.ProgressGroup.Id]
	}
	return messageFields(meta)
}

func (g *graph) locations(vertex string) fields {
	return messageFields(g.definition.GetSource().GetLocations()[vertex])
}

// compareDefinitions says where two graphs differ. Since the digest of a vertex covers its inputs,
// a difference changes every vertex above it; only where it starts is reported.
func compareDefinitions(official, ours *pb.Definition) []string {
	a, err := newGraph(official)
	if err != nil {
		return []string{"official: " + err.Error()}
	}
	b, err := newGraph(ours)
	if err != nil {
		return []string{"ours: " + err.Error()}
	}
	p := &pairing{official: a, ours: b, pairOf: map[string]string{}, taken: map[string]bool{}}
	if len(a.order) > 0 && len(b.order) > 0 {
		p.pair(a.order[len(a.order)-1], b.order[len(b.order)-1])
	}
	p.reportUnpaired()
	if len(p.lines) == 0 && !slices.Equal(a.order, b.order) {
		p.lines = append(p.lines, "the same ops in another order:", "official  "+names(a), "ours      "+names(b))
	}
	p.lines = append(p.lines, compareExtraMetadata(a, b)...)
	return append(p.lines, compareInfos(official.GetSource(), ours.GetSource())...)
}

func names(g *graph) string {
	var result []string
	for _, vertex := range g.order {
		result = append(result, g.name(vertex))
	}
	return strings.Join(result, " | ")
}

// pairing walks two graphs from their results downwards.
type pairing struct {
	official, ours *graph
	pairOf         map[string]string // of official vertices
	taken          map[string]bool   // our vertices that are in a pair
	lines          []string
}

func (p *pairing) pair(official, ours string) {
	if other, done := p.pairOf[official]; done && other == ours {
		return
	}
	p.pairOf[official], p.taken[ours] = ours, true
	inputsA, inputsB := p.official.ops[official].GetInputs(), p.ours.ops[ours].GetInputs()
	lines := p.compareVertex(official, ours)
	for i := range min(len(inputsA), len(inputsB)) {
		p.pair(inputsA[i].Digest, inputsB[i].Digest)
	}
	title := p.official.name(official)
	if other := p.ours.name(ours); other != title {
		title += " / ours: " + other
	}
	p.lines = append(p.lines, titled("vertex "+title, lines)...)
}

func (p *pairing) compareVertex(official, ours string) []string {
	a, b := p.official.ops[official], p.ours.ops[ours]
	lines := diffFields(messageFields(withoutInputDigests(a)), messageFields(withoutInputDigests(b)))
	if official != ours && len(lines) == 0 && sameInputs(a, b) {
		lines = append(lines, "the same fields, encoded in other bytes")
	}
	lines = append(lines, titled("metadata", diffFields(p.official.metadata(official), p.ours.metadata(ours)))...)
	return append(lines, titled("locations", diffFields(p.official.locations(official), p.ours.locations(ours)))...)
}

func withoutInputDigests(op *pb.Op) *pb.Op {
	if op == nil {
		return nil
	}
	shown := proto.Clone(op).(*pb.Op)
	for _, input := range shown.Inputs {
		input.Digest = ""
	}
	return shown
}

func sameInputs(a, b *pb.Op) bool {
	return slices.EqualFunc(a.GetInputs(), b.GetInputs(), func(x, y *pb.Input) bool { return x.Digest == y.Digest })
}

func (p *pairing) reportUnpaired() {
	for _, vertex := range p.official.order {
		if _, paired := p.pairOf[vertex]; !paired {
			p.lines = append(p.lines, "only official has vertex "+p.official.name(vertex))
		}
	}
	for _, vertex := range p.ours.order {
		if !p.taken[vertex] {
			p.lines = append(p.lines, "only ours has vertex "+p.ours.name(vertex))
		}
	}
}

// compareExtraMetadata looks at metadata and locations that belong to no vertex.
func compareExtraMetadata(a, b *graph) []string {
	countA, countB := extra(a), extra(b)
	if countA == countB {
		return nil
	}
	return []string{fmt.Sprintf("metadata or locations without a vertex: official %d, ours %d", countA, countB)}
}

func extra(g *graph) int {
	count := 0
	for vertex := range g.definition.GetMetadata() {
		if g.ops[vertex] == nil {
			count++
		}
	}
	for vertex := range g.definition.GetSource().GetLocations() {
		if g.ops[vertex] == nil {
			count++
		}
	}
	return count
}

func compareInfos(official, ours *pb.Source) []string {
	a, b := official.GetInfos(), ours.GetInfos()
	if len(a) != len(b) {
		return []string{fmt.Sprintf("source infos: official %d, ours %d", len(a), len(b))}
	}
	var lines []string
	for i := range a {
		lines = append(lines, titled(fmt.Sprintf("source info %d", i), compareSourceInfo(a[i], b[i]))...)
	}
	return lines
}
