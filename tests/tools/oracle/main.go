// oracle compares what two frontends make of the same Dockerfiles: the one built into
// buildkitd, which is right by definition, and the frontend image under test.
//
// Nothing is built: a frontend answers a Solve with a graph (LLB) and an image config, and
// these are compared. Standard output has a line for each case and ends with the counts.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"time"

	"github.com/moby/buildkit/client"
	"golang.org/x/sync/errgroup"
)

// settings are what the command line and the environment decide.
type settings struct {
	address    string
	image      string
	cases      string
	only       string
	jobs       int
	official   bool
	distilling bool
	dump       bool
	record     bool
	unpinned   bool
	warnings   bool
	requests   bool
	build      bool
	progress   bool
	wanted     string
	random     int
	seed       uint64
}

func main() {
	var s settings
	flag.StringVar(&s.address, "addr", os.Getenv("BUILDKIT_HOST"), "address of buildkitd")
	flag.StringVar(&s.image, "image", os.Getenv("DECANT_IMAGE"), "frontend image under test")
	flag.StringVar(&s.cases, "cases", "tests/cases", "directory of the cases")
	flag.StringVar(&s.only, "only", "", "cases to run: a name, a glob, or several of them with commas")
	flag.IntVar(&s.jobs, "jobs", 4, "cases asked at the same time")
	flag.BoolVar(&s.official, "official", false, "print what the official frontend says; ask no other")
	flag.BoolVar(&s.distilling, "distilling", false, "leave distilling on: only the vertices below the target stage must be equal")
	flag.BoolVar(&s.dump, "dump", false, "print both answers as JSON")
	flag.BoolVar(&s.record, "record", false, "with -official: write error.txt of the cases that fail")
	flag.BoolVar(&s.unpinned, "unpinned", false, "for Dockerfiles from elsewhere: ignore error.txt, whatever official says is right")
	flag.BoolVar(&s.warnings, "warnings", false, "compare the warnings of builds that succeed as well")
	flag.BoolVar(&s.requests, "requests", false, "compare lint, outline, targets and the graph as JSON as well")
	flag.BoolVar(&s.build, "build", false, "build the cases as well and compare the file systems")
	flag.BoolVar(&s.progress, "progress", false, "print only what differs, and how far it is on standard error")
	flag.StringVar(&s.wanted, "wanted", "tests/cases/wanted.txt", "list of known and wanted differences, with reasons")
	flag.IntVar(&s.random, "random", 0, "compare so many random Dockerfiles instead of the cases")
	flag.Uint64Var(&s.seed, "seed", 1, "with -random: what the first Dockerfile is made from")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	failed, err := run(ctx, s)
	if err != nil {
		fmt.Fprintln(os.Stderr, "oracle:", err)
		os.Exit(2)
	}
	if failed > 0 {
		os.Exit(1)
	}
}

// run examines all cases, prints the verdicts in order of names, and returns how many failed.
func run(ctx context.Context, s settings) (int, error) {
	if s.address == "" || (s.image == "" && !s.official) {
		return 0, fmt.Errorf("BUILDKIT_HOST and DECANT_IMAGE must be set: run make up frontend, then eval \"$(make -s env)\"")
	}
	served, stop, err := startWeb(s.cases)
	if err != nil {
		return 0, err
	}
	defer stop()
	cases, err := loadCases(s.cases, s.only, served)
	if err != nil {
		return 0, err
	}
	daemon, err := client.New(ctx, s.address)
	if err != nil {
		return 0, err
	}
	defer daemon.Close()
	if _, err := daemon.ListWorkers(ctx); err != nil {
		return 0, fmt.Errorf("no buildkitd answers at %s: %w", s.address, err)
	}

	if s.random > 0 {
		return runRandom(ctx, daemon, s, served.hide)
	}
	wanted, err := loadWanted(s.wanted)
	if err != nil {
		return 0, err
	}
	verdicts := make([]chan verdict, len(cases))
	for i := range verdicts {
		verdicts[i] = make(chan verdict, 1)
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(s.jobs)
	go func() {
		for i, c := range cases {
			group.Go(func() error {
				verdicts[i] <- examine(ctx, daemon, s, c)
				return nil
			})
		}
	}()

	failed, meant := 0, 0
	for i, c := range cases {
		v := <-verdicts[i]
		word := "ok"
		if reason := wanted.reason(c.name); len(v.differences) > 0 && reason != "" {
			word, v.differences = "wanted", []string{reason}
			meant++
		} else if len(v.differences) > 0 {
			word = "differs"
			failed++
			if !answers(ctx, daemon) {
				var names []string
				for _, c := range cases[i:min(i+s.jobs, len(cases))] {
					names = append(names, c.name)
				}
				return failed, fmt.Errorf("buildkitd at %s has ended; one of these was asked: %s", s.address, strings.Join(names, ", "))
			}
		}
		if s.progress {
			fmt.Fprintf(os.Stderr, "\r%d of %d cases, %d differ", i+1, len(cases), failed)
			if word == "ok" {
				continue
			}
			fmt.Fprintln(os.Stderr)
		}
		fmt.Printf("%-8s%s\n", word, c.name)
		printIndented(v.differences)
		printIndented(v.shown)
	}
	if s.progress {
		fmt.Fprintln(os.Stderr)
	}
	fmt.Printf("%d equal, %d known and wanted differences\n", len(cases)-failed-meant, meant)
	fmt.Printf("%d passed, %d failed\n", len(cases)-failed, failed)
	return failed, nil
}

// answers tells whether the daemon is still there: a panic in the official frontend ends all of it.
func answers(ctx context.Context, daemon *client.Client) bool {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	_, err := daemon.ListWorkers(ctx)
	return err == nil
}

// verdict is the outcome of one case.
type verdict struct {
	differences []string // empty: the case passed
	shown       []string // what -official and -dump print besides
}

// examine asks the frontends about one case and compares their answers.
func examine(ctx context.Context, daemon *client.Client, s settings, c testCase) verdict {
	var frontends []frontend
	frontends = append(frontends, officialFrontend())
	if !s.official {
		frontends = append(frontends, imageFrontend(s.image, s.distilling))
	}
	answers, err := ask(ctx, daemon, c, frontends)
	if err != nil {
		return verdict{differences: []string{"the build session failed: " + err.Error()}}
	}
	official := answers[0]

	var v verdict
	if s.record {
		if err := c.recordError(official); err != nil {
			return verdict{differences: []string{err.Error()}}
		}
	}
	if !s.unpinned {
		v.differences = append(v.differences, c.checkError(official)...)
	}
	switch {
	case s.official:
		v.shown = summary(official)
	case s.distilling:
		v.differences = append(v.differences, compareBelowTarget(c, official, answers[1])...)
	default:
		v.differences = append(v.differences, compareAnswers(official, answers[1])...)
	}
	if s.warnings && len(frontends) > 1 {
		v.differences = append(v.differences, compareWarnings(ctx, daemon, c, frontends)...)
	}
	if s.requests && len(frontends) > 1 {
		v.differences = append(v.differences, compareRequests(ctx, daemon, c, frontends)...)
	}
	if s.build && len(frontends) > 1 && official.failure == nil {
		v.differences = append(v.differences, compareBuilds(ctx, daemon, c, frontends)...)
	}
	if s.dump {
		for i, a := range answers {
			v.shown = append(v.shown, frontends[i].title+":")
			v.shown = append(v.shown, dump(a)...)
		}
	}
	return v
}

func printIndented(lines []string) {
	for _, line := range lines {
		fmt.Println("    " + strings.ReplaceAll(line, "\n", "\n    "))
	}
}
