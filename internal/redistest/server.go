package redistest

import (
	"context"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/rblx-go/opencloud/internal/testenv"
)

// Server is a redis-server of a test's own.
type Server struct {
	Addr string
	Dir  string // where its files are

	args    []string
	process *exec.Cmd
	exited  chan struct{}
}

// Start starts a redis-server with further settings, "appendonly", "yes" say,
// which ends with the test.
func Start(t testing.TB, settings ...string) *Server {
	t.Helper()
	if _, err := exec.LookPath("redis-server"); err != nil {
		testenv.Skip(t, "no redis-server in PATH")
	}
	s := &Server{Dir: t.TempDir()}
	t.Cleanup(func() { s.Kill(t) })
	for try := 0; ; try++ { // the port may be taken meanwhile
		port := freePort(t)
		s.Addr = net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
		s.args = []string{"--port", strconv.Itoa(port), "--bind", "127.0.0.1", "--dir", s.Dir, "--save", "", "--logfile", filepath.Join(s.Dir, "log"), "--daemonize", "no"}
		for i := 0; i+1 < len(settings); i += 2 {
			s.args = append(s.args, "--"+settings[i], settings[i+1])
		}
		err := s.start()
		if err == nil {
			return s
		}
		if try == 5 {
			log, _ := os.ReadFile(filepath.Join(s.Dir, "log"))
			t.Fatalf("redis-server: %v\n%s", err, log)
		}
	}
}

// freePort returns one whose cluster bus, 10000 above, exists, too.
func freePort(t testing.TB) int {
	t.Helper()
	for {
		l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // it is closed at once
		if err != nil {
			t.Fatal(err)
		}
		port := l.Addr().(*net.TCPAddr).Port
		_ = l.Close()
		if port < 55_000 {
			return port
		}
	}
}

// start starts the process and waits until it answers.
func (s *Server) start() error {
	s.process = exec.Command("redis-server", s.args...) //nolint:noctx // Kill ends it
	if err := s.process.Start(); err != nil {
		return err
	}
	process, exited := s.process, make(chan struct{})
	s.exited = exited
	go func() {
		defer close(exited)
		_ = process.Wait()
	}()
	for {
		if err := s.ping(); err == nil || redis.HasErrorPrefix(err, "NOAUTH") {
			return nil
		}
		select {
		case <-exited:
			return errors.New("it ended at once")
		case <-time.After(10 * time.Millisecond):
		}
	}
}

func (s *Server) ping() error {
	conn, err := (&net.Dialer{Timeout: time.Second}).DialContext(context.Background(), "tcp", s.Addr)
	if err != nil { // without the client's telling of it
		return err
	}
	_ = conn.Close()
	client := s.Client()
	defer client.Close()
	return client.Ping(context.Background()).Err()
}

// URL returns the server's.
func (s *Server) URL() string { return "redis://" + s.Addr }

// Client returns one that sends everything once. Close it.
func (s *Server) Client() *redis.Client {
	return redis.NewClient(&redis.Options{Addr: s.Addr, MaxRetries: -1, DialerRetries: 1})
}

// Do sends one command and fails the test if it fails.
func (s *Server) Do(t testing.TB, args ...any) any {
	t.Helper()
	client := s.Client()
	defer client.Close()
	result, err := client.Do(context.Background(), args...).Result()
	if err != nil {
		t.Fatalf("%v: %v", args[0], err)
	}
	return result
}

// Kill ends the server as a crash does.
func (s *Server) Kill(t testing.TB) {
	t.Helper()
	if s.process == nil {
		return
	}
	_ = s.process.Process.Kill()
	<-s.exited
	s.process = nil
}

// Restart starts a server anew that was killed.
func (s *Server) Restart(t testing.TB) {
	t.Helper()
	if err := s.start(); err != nil {
		t.Fatal(err)
	}
}
