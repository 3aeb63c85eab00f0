//go:build unix

package pgtest

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rblx-go/opencloud/internal/testenv"
)

// Server is a PostgreSQL of a test's own, to kill.
type Server struct {
	DSN string // of its database postgres, as its superuser

	dir  string // where its data and its log are
	port int
}

// Start makes a cluster and starts it with settings ("name=value"). It ends with
// the test.
func Start(t testing.TB, settings ...string) *Server {
	t.Helper()
	return StartIn(t, tempDir(t), settings...)
}

// StartIn is Start with the data in an empty directory.
func StartIn(t testing.TB, dir string, settings ...string) *Server {
	t.Helper()
	s := newServer(t, dir)
	s.run(t, "initdb", "-D", s.data(), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale", "C", "--no-sync")
	s.start(t, settings)
	return s
}

// Replica starts an asynchronous replica of s.
func (s *Server) Replica(t testing.TB) *Server {
	t.Helper()
	r := newServer(t, tempDir(t))
	r.run(t, "pg_basebackup", "-D", r.data(), "-d", s.DSN, "-R", "-c", "fast", "--no-sync")
	r.start(t, nil)
	return r
}

// Promote makes a replica a primary.
func (s *Server) Promote(t testing.TB) {
	t.Helper()
	s.run(t, "pg_ctl", "-D", s.data(), "-w", "promote")
}

// Database is the DSN of another database.
func (s *Server) Database(name string) string {
	return strings.TrimSuffix(s.DSN, "postgres") + name
}

// Dump writes the database postgres to a file, and returns its path.
func (s *Server) Dump(t testing.TB) (path string) {
	t.Helper()
	path = filepath.Join(s.dir, "dump")
	s.run(t, "pg_dump", "-d", s.DSN, "-f", path)
	return path
}

// Restore executes a dump in a database.
func (s *Server) Restore(t testing.TB, path, database string) {
	t.Helper()
	s.run(t, "psql", "-q", "-v", "ON_ERROR_STOP=1", "-d", s.Database(database), "-f", path)
}

// CatchUp waits until a replica has what its primary has now.
func (s *Server) CatchUp(t testing.TB, primary *Server) {
	t.Helper()
	at := query(t, primary.DSN, "SELECT pg_current_wal_lsn()::text")
	for query(t, s.DSN, "SELECT (pg_last_wal_replay_lsn() >= '"+at+"')::text") != "true" {
		time.Sleep(10 * time.Millisecond)
	}
}

// tempDir is one that the server's user can enter, unlike a test's own.
func tempDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "pgtest-") //nolint:usetesting // see above
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}

func newServer(t testing.TB, dir string) *Server {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // it is closed at once
	if err != nil {
		t.Fatal(err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	_ = l.Close()
	if uid, gid, other := owner(t); other {
		if err := os.Chown(dir, uid, gid); err != nil {
			t.Fatal(err)
		}
	}
	return &Server{DSN: fmt.Sprintf("postgres://postgres@127.0.0.1:%d/postgres", port), dir: dir, port: port}
}

func (s *Server) data() string { return filepath.Join(s.dir, "data") }

func (s *Server) start(t testing.TB, settings []string) {
	t.Helper()
	settings = append(settings, "port="+strconv.Itoa(s.port), "listen_addresses='127.0.0.1'", "unix_socket_directories=''", "")
	f, err := os.OpenFile(filepath.Join(s.data(), "postgresql.auto.conf"), os.O_APPEND|os.O_WRONLY, 0)
	if err == nil {
		_, err = f.WriteString(strings.Join(settings, "\n"))
	}
	if err != nil {
		t.Fatal(err)
	}
	_ = f.Close()
	t.Cleanup(func() { s.Kill(t) })
	s.Restart(t)
}

// Restart starts the server again, and waits until it answers.
func (s *Server) Restart(t testing.TB) {
	t.Helper()
	// What is left of one that was killed holds its memory for a moment.
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
		cmd := s.command(t, "pg_ctl", "-D", s.data(), "-l", filepath.Join(s.dir, "log"), "-w", "-t", "60", "-s", "start")
		err := cmd.Run() // its output would be the server's, too, and have no end
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			log, _ := os.ReadFile(filepath.Join(s.dir, "log"))
			t.Fatalf("the server does not start: %v\n%s", err, log)
		}
	}
}

// Kill ends the server's processes by SIGKILL, if they run.
func (s *Server) Kill(t testing.TB) {
	t.Helper()
	file, _ := os.ReadFile(filepath.Join(s.data(), "postmaster.pid"))
	first, _, _ := strings.Cut(string(file), "\n")
	pid, err := strconv.Atoi(first)
	if err != nil || pid <= 1 || syscall.Kill(pid, 0) != nil {
		return
	}
	// Its children would otherwise find out by themselves, and say goodbye.
	children, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
	_ = syscall.Kill(pid, syscall.SIGKILL)
	for child := range strings.FieldsSeq(string(children)) {
		if pid, err := strconv.Atoi(child); err == nil && pid > 1 {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	}
	for syscall.Kill(pid, 0) == nil {
		time.Sleep(5 * time.Millisecond)
	}
}

func (s *Server) run(t testing.TB, tool string, args ...string) {
	t.Helper()
	if out, err := s.command(t, tool, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", tool, err, out)
	}
}

// command is a tool of PostgreSQL, as a user that it accepts.
func (s *Server) command(t testing.TB, tool string, args ...string) *exec.Cmd {
	t.Helper()
	return s.commandAt(t, binary(t, tool), args...)
}

func (s *Server) commandAt(t testing.TB, path string, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(path, args...) //nolint:noctx // it ends, or is ended
	cmd.Dir = s.dir
	if uid, gid, other := owner(t); other {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}
	}
	return cmd
}

// binary finds a tool where Debian has it, or in PATH.
func binary(t testing.TB, tool string) string {
	t.Helper()
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/" + tool)
	if len(found) > 0 {
		return found[len(found)-1]
	}
	path, err := exec.LookPath(tool)
	if err != nil {
		testenv.Skip(t, "needs PostgreSQL's own %s", tool)
	}
	return path
}

// owner is whose a server has to be: the user postgres where this is root.
func owner(t testing.TB) (uid, gid int, other bool) {
	t.Helper()
	if os.Geteuid() != 0 {
		return 0, 0, false
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		testenv.Skip(t, "a server of its own cannot be root's, and there is no user postgres")
	}
	uid, _ = strconv.Atoi(u.Uid)
	gid, _ = strconv.Atoi(u.Gid)
	return uid, gid, true
}

// query returns the only value of a statement.
func query(t testing.TB, dsn, statement string) (value string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.WithoutCancel(t.Context()))
	if err := conn.QueryRow(t.Context(), statement).Scan(&value); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
	return value
}
