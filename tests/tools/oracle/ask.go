package main

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/moby/buildkit/client"
	gateway "github.com/moby/buildkit/frontend/gateway/client"
	gatewaypb "github.com/moby/buildkit/frontend/gateway/pb"
	"github.com/moby/buildkit/identity"
	"github.com/moby/buildkit/solver/errdefs"
	"github.com/moby/buildkit/solver/pb"
	"github.com/moby/buildkit/util/grpcerrors"
	"github.com/tonistiigi/fsutil"
)

// frontend is one of the two programs that are compared.
type frontend struct {
	title string
	name  string            // as the daemon knows it
	opts  map[string]string // on top of the options of a case
}

// officialFrontend is built into the daemon. The presence of cmdline keeps it from running the
// frontend of the syntax line.
func officialFrontend() frontend {
	return frontend{title: "official", name: "dockerfile.v0", opts: map[string]string{"cmdline": "x"}}
}

// imageFrontend is started by the daemon in a container of an image.
func imageFrontend(image string, distilling bool) frontend {
	opts := map[string]string{"source": image, "cmdline": image}
	if !distilling {
		opts["build-arg:BUILDKIT_DISTROLESS"] = "off"
	}
	return frontend{title: "ours", name: "gateway.v0", opts: opts}
}

// answer is what a frontend makes of a Dockerfile.
type answer struct {
	// refs has a graph for each platform; the key is empty when only one was asked for.
	refs         map[string]*pb.Definition
	metadata     map[string][]byte
	attestations map[string]*gatewaypb.Attestations
	failure      *failure
}

// failure is an error as the client shows it.
type failure struct {
	message string
	code    string
	sources []*errdefs.Source
}

// text is the message and, for each excerpt that the client prints, the lines it points at. Nothing
// is printed for a source without lines.
//
// These are sorted: whatever passes an error on turns their order round, and an image's error is
// passed on once more often than that of the frontend in the daemon. So are the rules of a lint error.
func (f failure) text() string {
	var places []string
	for _, source := range f.sources {
		if len(source.Ranges) == 0 {
			continue
		}
		places = append(places, fmt.Sprintf("at %s:%s\n", source.Info.GetFilename(), lines(source.Ranges)))
	}
	slices.Sort(places)
	return sortRules(f.message) + "\n" + strings.Join(places, "")
}

// lines writes ranges as `3, 4-5`; a column is shown only if it is not the first.
func lines(ranges []*pb.Range) string {
	var words []string
	for _, r := range ranges {
		word := position(r.Start)
		if end := position(r.End); end != word {
			word += "-" + end
		}
		words = append(words, word)
	}
	return strings.Join(words, ", ")
}

func position(p *pb.Position) string {
	if p.GetCharacter() == 0 {
		return fmt.Sprint(p.GetLine())
	}
	return fmt.Sprintf("%d:%d", p.GetLine(), p.GetCharacter())
}

// ask puts a case to all frontends in one session, so that session ids, which are part of local
// sources, are equal.
func ask(ctx context.Context, daemon *client.Client, c testCase, frontends []frontend) ([]answer, error) {
	return askWith(ctx, daemon, c, frontends, nil)
}

// askWith also passes the progress of the session on; it closes the channel.
func askWith(ctx context.Context, daemon *client.Client, c testCase, frontends []frontend, progress chan *client.SolveStatus) ([]answer, error) {
	mounts, cleanup, err := localMounts(c)
	if err != nil {
		if progress != nil {
			close(progress)
		}
		return nil, err
	}
	defer cleanup()

	build := identity.NewID()
	bridge := daemon.GatewayClientForBuild(build)
	answers := make([]answer, len(frontends))
	stores, removeStores, err := openStores(c)
	if err != nil {
		if progress != nil {
			close(progress)
		}
		return nil, err
	}
	defer removeStores()
	_, err = daemon.Build(ctx, client.SolveOpt{
		OCIStores:           stores,
		Ref:                 build,
		LocalMounts:         mounts,
		SharedKey:           "oracle/" + c.name,
		AllowedEntitlements: []string{"network.host", "security.insecure", "device"},
		Internal:            true,
	}, "", func(ctx context.Context, _ gateway.Client) (*gateway.Result, error) {
		for i, f := range frontends {
			answers[i] = askOne(ctx, bridge, c, f)
			if err := ctx.Err(); err != nil {
				return nil, err
			}
		}
		return gateway.NewResult(), nil
	}, progress)
	return answers, err
}

func askOne(ctx context.Context, bridge gatewaypb.LLBBridgeClient, c testCase, f frontend) answer {
	opts := maps.Clone(c.opts)
	if opts == nil {
		opts = map[string]string{}
	}
	maps.Copy(opts, f.opts)
	inputs, err := definitions(ctx, c.inputs)
	if err != nil {
		return answer{failure: &failure{message: "the case: " + err.Error()}}
	}
	response, err := bridge.Solve(ctx, &gatewaypb.SolveRequest{
		FrontendInputs:      inputs,
		Frontend:            f.name,
		FrontendOpt:         opts,
		AllowResultReturn:   true,
		AllowResultArrayRef: true,
	})
	if err != nil {
		said := failure{message: c.hide(err.Error()), code: grpcerrors.Code(err).String(), sources: errdefs.Sources(err)}
		if c.chance {
			message, anywhere := settled(said.message)
			said.message = message
			if anywhere {
				said.sources = nil
			}
		}
		return answer{failure: &said}
	}
	if c.chance {
		response.Result.Metadata = settledMetadata(response.Result.GetMetadata())
	}
	a := answer{refs: map[string]*pb.Definition{}, metadata: response.Result.GetMetadata(), attestations: response.Result.GetAttestations()}
	if ref := response.Result.GetRef(); ref != nil {
		a.refs[""] = ref.GetDef()
	}
	for platform, ref := range response.Result.GetRefs().GetRefs() {
		a.refs[platform] = ref.GetDef()
	}
	return a
}

// localMounts are the directories that the session offers. A case without a context directory
// has an empty context.
func localMounts(c testCase) (mounts map[string]fsutil.FS, cleanup func(), err error) {
	dirs := map[string]string{"dockerfile": c.dir, "context": filepath.Join(c.dir, "context")}
	for name, dir := range c.locals {
		dirs[name] = filepath.Join(c.dir, dir)
	}
	cleanup = func() {}
	if _, err := os.Stat(dirs["context"]); os.IsNotExist(err) {
		empty, err := os.MkdirTemp("", "oracle-context-")
		if err != nil {
			return nil, nil, err
		}
		dirs["context"] = empty
		cleanup = func() { os.RemoveAll(empty) }
	}
	mounts = map[string]fsutil.FS{}
	for name, dir := range dirs {
		mounts[name], err = fsutil.NewFS(dir)
		if err != nil {
			cleanup()
			return nil, nil, err
		}
	}
	return mounts, cleanup, nil
}
