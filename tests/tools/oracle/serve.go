package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"net/http/cgi"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// web serves what cases fetch. Below the address of a case:
//
//	web/FILE     a file of its directory web, without a time
//	dated/FILE   the same with a Last-Modified header
//	tree.tar     its directory tree as an archive, and tree.tar.gz
//	repo.git     its directory repo as a git repository: branch main, tag v1
type web struct {
	cases   string
	address string
	repos   string // made on demand
	mutex   sync.Mutex
}

// fetchedTime is the time of all that is served.
var fetchedTime = time.Date(2020, 9, 13, 12, 26, 40, 0, time.UTC)

func startWeb(cases string) (*web, func(), error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, nil, err
	}
	repos, err := os.MkdirTemp("", "oracle-repos-")
	if err != nil {
		return nil, nil, err
	}
	w := &web{cases: cases, address: "http://" + listener.Addr().String(), repos: repos}
	server := &http.Server{Handler: w}
	go server.Serve(listener)
	return w, func() {
		server.Close()
		os.RemoveAll(repos)
	}, nil
}

// fill puts the address of a case in the place of {web}.
func (w *web) fill(text, name string) string {
	return strings.ReplaceAll(text, "{web}", w.address+"/"+name)
}

// hide takes the address, which changes from run to run, out of a text.
func (w *web) hide(text string) string {
	text = strings.ReplaceAll(text, w.address, "http://web")
	return strings.ReplaceAll(text, strings.TrimPrefix(w.address, "http://"), "web")
}

func (w *web) ServeHTTP(out http.ResponseWriter, in *http.Request) {
	parts := strings.SplitN(strings.TrimPrefix(in.URL.Path, "/"), "/", 3)
	if len(parts) < 2 || strings.Contains(in.URL.Path, "..") {
		http.NotFound(out, in)
		return
	}
	dir := filepath.Join(w.cases, parts[0])
	rest := ""
	if len(parts) == 3 {
		rest = parts[2]
	}
	switch parts[1] {
	case "web", "dated":
		data, err := os.ReadFile(filepath.Join(dir, "web", rest))
		if err != nil {
			http.NotFound(out, in)
			return
		}
		if parts[1] == "dated" {
			out.Header().Set("Last-Modified", fetchedTime.Format(http.TimeFormat))
		}
		out.Write(data)
	case "tree.tar", "tree.tar.gz":
		data, err := archive(filepath.Join(dir, "tree"), strings.HasSuffix(parts[1], ".gz"))
		if err != nil {
			http.Error(out, err.Error(), http.StatusInternalServerError)
			return
		}
		out.Write(data)
	case "repo.git":
		if err := w.repo(dir, parts[0]); err != nil {
			http.Error(out, err.Error(), http.StatusInternalServerError)
			return
		}
		w.git(out, in)
	default:
		http.NotFound(out, in)
	}
}

func archive(dir string, compressed bool) ([]byte, error) {
	var buffer bytes.Buffer
	t := tar.NewWriter(&buffer)
	seconds := fetchedTime
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || path == dir {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		if entry.IsDir() {
			return t.WriteHeader(&tar.Header{Name: name + "/", Typeflag: tar.TypeDir, Mode: 0o755, ModTime: fetchedTime.Add(time.Hour)})
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		seconds = seconds.Add(time.Second)
		if err := t.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(data)), ModTime: seconds}); err != nil {
			return err
		}
		_, err = t.Write(data)
		return err
	})
	if err != nil {
		return nil, err
	}
	if err := t.Close(); err != nil {
		return nil, err
	}
	if !compressed {
		return buffer.Bytes(), nil
	}
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	z.Write(buffer.Bytes())
	err = z.Close()
	return packed.Bytes(), err
}

// repo makes the repository of a case; its commit is the same in every run.
func (w *web) repo(dir, name string) error {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	tree := filepath.Join(w.repos, name)
	if _, err := os.Stat(tree); err == nil {
		return nil
	}
	if err := os.CopyFS(tree, os.DirFS(filepath.Join(dir, "repo"))); err != nil {
		return err
	}
	stamp := fmt.Sprintf("%d +0200", fetchedTime.Unix()+7)
	for _, args := range [][]string{
		{"init", "-q", "-b", "main"},
		{"config", "uploadpack.allowAnySHA1InWant", "true"},
		{"add", "-A"},
		{"commit", "-q", "-m", "all"},
		{"tag", "v1"},
	} {
		command := exec.Command("git", args...)
		command.Dir = tree
		command.Env = append(os.Environ(), "GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@a", "GIT_COMMITTER_NAME=c", "GIT_COMMITTER_EMAIL=c@c",
			"GIT_AUTHOR_DATE="+stamp, "GIT_COMMITTER_DATE="+stamp, "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null")
		if text, err := command.CombinedOutput(); err != nil {
			return fmt.Errorf("git %s: %w: %s", args[0], err, text)
		}
	}
	return nil
}

// git answers as git's own server does: CASE/repo.git is CASE/.git below the repositories.
func (w *web) git(out http.ResponseWriter, in *http.Request) {
	in.URL.Path = strings.Replace(in.URL.Path, "/repo.git", "/.git", 1)
	exec, err := exec.Command("git", "--exec-path").Output()
	if err != nil {
		http.Error(out, err.Error(), http.StatusInternalServerError)
		return
	}
	handler := cgi.Handler{
		Path: filepath.Join(strings.TrimSpace(string(exec)), "git-http-backend"),
		Env:  []string{"GIT_PROJECT_ROOT=" + w.repos, "GIT_HTTP_EXPORT_ALL=1"},
	}
	handler.ServeHTTP(out, in)
}
