package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/moby/buildkit/client"
	"golang.org/x/sync/errgroup"
)

// runRandom compares Dockerfiles made by a grammar. A difference is cut down to the lines that it
// needs and printed with the seed that made it. It returns how many differed.
func runRandom(ctx context.Context, daemon *client.Client, s settings, hide func(string) string) (int, error) {
	dir, err := os.MkdirTemp("", "oracle-random-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)

	seeds := make(chan uint64)
	var lock sync.Mutex
	done, failed := 0, 0
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		defer close(seeds)
		for i := range s.random {
			select {
			case seeds <- s.seed + uint64(i):
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		return nil
	})
	for job := range s.jobs {
		group.Go(func() error {
			judge, err := randomJudge(ctx, daemon, s, hide, filepath.Join(dir, fmt.Sprint(job)))
			if err != nil {
				return err
			}
			for seed := range seeds {
				grammar := newGrammar(seed)
				lines := grammar.dockerfile()
				opts := grammar.options()
				differs := func(lines []string) []string { return judge(lines, opts) }
				difference := differs(lines)
				if len(difference) > 0 {
					if !answers(ctx, daemon) {
						return fmt.Errorf("buildkitd has ended at seed %d:\n%s", seed, strings.Join(lines, "\n"))
					}
					lines = shrink(lines, func(lines []string) bool { return len(differs(lines)) > 0 })
					difference = differs(lines)
				}
				lock.Lock()
				done++
				if len(difference) > 0 {
					failed++
					fmt.Printf("differs seed %d %v\n", seed, opts)
					printIndented(lines)
					printIndented(difference)
				}
				if done%100 == 0 {
					fmt.Fprintf(os.Stderr, "%d of %d, %d differ\n", done, s.random, failed)
				}
				lock.Unlock()
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return failed, err
	}
	fmt.Printf("%d passed, %d failed\n", s.random-failed, failed)
	return failed, nil
}

// randomJudge makes a directory with a build context, and the function that says how the answers to a
// Dockerfile in it differ.
func randomJudge(ctx context.Context, daemon *client.Client, s settings, hide func(string) string, dir string) (func([]string, map[string]string) []string, error) {
	for _, file := range []string{"a.txt", "b.txt", "dir/c.txt", "dir/sub/d.md"} {
		path := filepath.Join(dir, "context", file)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return nil, err
		}
		if err := os.WriteFile(path, []byte(file), 0o644); err != nil {
			return nil, err
		}
	}
	return func(lines []string, opts map[string]string) []string {
		if err := os.WriteFile(filepath.Join(dir, "Dockerfile"), []byte(strings.Join(lines, "\n")+"\n"), 0o644); err != nil {
			return []string{err.Error()}
		}
		c := testCase{name: "random", dir: dir, hide: hide, opts: opts, chance: true}
		return examine(ctx, daemon, settings{image: s.image, unpinned: true, requests: s.requests}, c).differences
	}, nil
}

// shrink takes lines out, half of them first, as long as what is left still differs.
func shrink(lines []string, differs func([]string) bool) []string {
	for size := len(lines) / 2; size > 0; size /= 2 {
		for start := 0; start+size <= len(lines); {
			rest := slices.Delete(slices.Clone(lines), start, start+size)
			if len(rest) > 0 && differs(rest) {
				lines = rest
			} else {
				start += size
			}
		}
	}
	return lines
}

// grammar makes Dockerfiles, most of them right, from one seed.
type grammar struct {
	random *rand.Rand
	stages []string
}

func newGrammar(seed uint64) *grammar {
	return &grammar{random: rand.New(rand.NewPCG(seed, 0))}
}

func (g *grammar) chance(percent int) bool { return g.random.IntN(100) < percent }

func (g *grammar) one(words ...string) string { return words[g.random.IntN(len(words))] }

func (g *grammar) dockerfile() []string {
	var lines []string
	if g.chance(15) {
		lines = append(lines, g.one("# escape=`", "# check=skip=all", "# check=error=true", "# check=experimental=all", "# syntax=x", "#escape = \\"))
	}
	for range g.random.IntN(3) {
		lines = append(lines, g.one("ARG "+g.pair(), "ARG BASE=busybox:stable-musl", "ARG GIVEN", "# G says it\nARG G=1", "ARG TARGETARCH"))
	}
	for i := range 1 + g.random.IntN(4) {
		lines = append(lines, g.from(i))
		for range g.random.IntN(8) {
			if g.chance(8) {
				lines = append(lines, g.one("", "# a comment", "#", "# check=skip=UndefinedVar", "   # indented"))
			}
			lines = append(lines, g.instruction())
		}
	}
	var all []string
	for _, line := range lines {
		all = append(all, strings.Split(line, "\n")...)
	}
	return all
}

// options are made after the Dockerfile, so that they can name its stages.
func (g *grammar) options() map[string]string {
	opts := map[string]string{"build-arg:GIVEN": "given value"}
	for _, option := range []struct {
		key    string
		values []string
	}{
		{"target", append([]string{"stage-0", "Final", "nowhere"}, g.stages...)},
		{"platform", []string{"linux/arm64", "linux/amd64,linux/arm64", "linux/arm/v7"}},
		{"no-cache", append([]string{"", "a,b"}, g.stages...)},
		{"label:a", []string{"", "option"}},
		{"build-arg:A", []string{"", "$B"}},
		{"build-arg:TARGETARCH", []string{"mips"}},
		{"build-arg:SOURCE_DATE_EPOCH", []string{"0", "1700000000"}},
		{"build-arg:BUILDKIT_CACHE_MOUNT_NS", []string{"ns"}},
		{"build-arg:BUILDKIT_DOCKERFILE_CHECK", []string{"skip=all", "skip=UndefinedVar;error=true", "experimental=all"}},
		{"force-network-mode", []string{"none", "host"}},
		{"hostname", []string{"h"}},
		{"context:busybox:stable-musl", []string{"docker-image://scratch"}},
		{"context:build", []string{"docker-image://busybox:stable-musl"}},
	} {
		if g.chance(7) {
			opts[option.key] = g.one(option.values...)
		}
	}
	return opts
}

func (g *grammar) from(i int) string {
	bases := []string{"scratch", "scratch", "busybox:stable-musl", "${BASE:-busybox:stable-musl}", "scratch$UNSET"}
	base := g.one(append(bases, g.stages...)...)
	platform := ""
	if g.chance(12) {
		platform = g.one("--platform=linux/amd64 ", "--platform=$TARGETPLATFORM ", "--platform=$BUILDPLATFORM ", "--platform=linux/arm64/v8 ", "--platform=bad ")
	}
	line := g.one("FROM", "FROM", "FROM", "from", "From") + " " + platform + base
	if g.chance(60) {
		name := g.one("a", "b", "build", "Final", "x-1", "scratch") + g.one("", fmt.Sprint(i))
		line += " " + g.one("AS", "AS", "as") + " " + name
		g.stages = append(g.stages, strings.ToLower(name))
	}
	return line
}

func (g *grammar) name() string {
	return g.one("A", "B", "G", "GIVEN", "PATH", "API_TOKEN", "a_b", "UNSET")
}

func (g *grammar) word() string {
	return g.one("x", "$A", "${B}", "${A:-d}", "${B:+y}", "\"q $A\"", "'s $A'", "a\\ b", "${A#x}", "${A%%*y}", "${A/x/y}", "é", "1", "$", "\\$A", "${GIVEN}", "\"\"", "${UNSET?gone}", "x${A}y$B")
}

func (g *grammar) pair() string { return g.name() + "=" + g.word() }

func (g *grammar) path() string {
	return g.one("a.txt", "b.txt", "dir", "dir/*", "dir/sub/", "*.txt", "/a.txt", "../a.txt", "$A", ".", "no such", "dir/[a-z].txt")
}

func (g *grammar) dest() string {
	return g.one("/", "/d/", "d", "./", "$A/", "/a/../b", "\"/sp ace/\"", "/x/.")
}

func (g *grammar) flags(all ...string) string {
	text := ""
	for _, flag := range all {
		if g.chance(12) {
			text += flag + " "
		}
	}
	return text
}

func (g *grammar) instruction() string {
	switch g.random.IntN(20) {
	case 0, 1:
		return g.one("ENV", "ENV", "env") + " " + g.pair() + g.one("", " "+g.pair(), " "+g.pair()+" "+g.pair())
	case 2:
		return "ENV " + g.name() + " " + g.word() + " " + g.word()
	case 3:
		return "ARG " + g.one(g.name(), g.pair(), g.pair()+" "+g.name())
	case 4:
		return "LABEL " + g.one(g.pair(), "a.b=\"c d\" "+g.pair(), "old "+g.word())
	case 5, 6:
		flags := g.flags("--chown=1:2", "--chown=u:g", "--chmod=644", "--chmod=u=rwX,go=rX", "--link", "--parents", "--exclude=*.md", "--exclude=dir/**")
		return "COPY " + flags + g.path() + " " + g.dest()
	case 7:
		// One image that is missing, not two: which of them the official frontend names is chance.
		from := append([]string{"0", "busybox:stable-musl", "later"}, g.stages...)
		return "COPY --from=" + g.one(from...) + " " + g.flags("--link", "--chown=5") + g.path() + " " + g.dest()
	case 8:
		return g.one("COPY", "ADD", "RUN") + " <<" + g.one("E", "\"E\"", "-E") + g.one("", " /f", " /d/") + "\nbody $A\n\tindented\nE"
	case 9:
		return "ADD " + g.flags("--chmod=755", "--unpack", "--unpack=false", "--keep-git-dir=true", "--link") +
			g.one(g.path(), "https://example.invalid/f", "https://example.invalid/r.git#v:d", "https://example.invalid/r.git?tag=v") + " " + g.dest()
	case 10, 11:
		mounts := g.flags("--mount=type=cache,target=/c", "--mount=type=cache,id=$A,dst=rel,sharing=locked,uid=3", "--mount=target=/m,source=dir", "--mount=type=tmpfs,target=/t,size=1m",
			"--mount=type=secret,id=s,env=S", "--mount=type=secret,target=/s,required", "--mount=type=ssh", "--mount=from=busybox:stable-musl,target=/b,rw", "--network=none", "--security=insecure", "--mount=type=bad")
		return "RUN " + mounts + g.one("echo $A", "[\"echo\", \"$A\"]", "a && \\\n  b", "a \\\n# inside\n  c", "a \\\n\n  d", "x <<E\nin\nE")
	case 12:
		return "WORKDIR " + g.one("/w", "rel", "$A", "/a b", "/x/", "../y")
	case 13:
		return "USER " + g.one("1", "u", "1:2", "$A", "u:g")
	case 14:
		return "EXPOSE " + g.one("80", "80/TCP", "1-3/udp", "$A", "8080:80", "9 8 7", "3-1", "x")
	case 15:
		return "VOLUME " + g.one("/v", "[\"/v\", \"/w\"]", "/a /b", "$A")
	case 16:
		return g.one("CMD", "ENTRYPOINT", "cmd") + " " + g.one("x $A", "[\"x\", \"$A\"]", "[]", "[\"a\"] b", "['q']")
	case 17:
		return "HEALTHCHECK " + g.one("NONE", "CMD x", "--interval=5s --retries=3 CMD [\"x\"]", "--timeout=1x CMD y", "--start-interval=2m CMD z")
	case 18:
		return g.one("SHELL [\"/bin/s\", \"-x\"]", "SHELL bad", "STOPSIGNAL 9", "STOPSIGNAL SIGTERM", "STOPSIGNAL $A", "MAINTAINER me <m@x>")
	default:
		return "ONBUILD " + g.one("ENV A=1", "RUN x", "COPY a.txt /", "COPY --from=busybox:stable-musl /x /y", "ARG A", "FROM x", "WORKDIR w")
	}
}
