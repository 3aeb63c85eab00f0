package redistest

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Follower starts a replica of s and waits until it has what is there.
func (s *Server) Follower(t testing.TB) *Server {
	t.Helper()
	r := Start(t)
	r.Follow(t, s)
	return r
}

// Follow makes s a replica of another server and waits until it has what is
// there.
func (s *Server) Follow(t testing.TB, other *Server) {
	t.Helper()
	host, port, _ := strings.Cut(other.Addr, ":")
	s.Do(t, "replicaof", host, port)
	for !strings.Contains(fmt.Sprint(s.Do(t, "info", "replication")), "master_link_status:up") {
		time.Sleep(5 * time.Millisecond)
	}
}

// log is the file that the server appends to.
func (s *Server) log(t testing.TB) string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(s.Dir, "appendonlydir", "*.incr.aof"))
	if err != nil || len(names) != 1 {
		t.Fatalf("append-only files: %q, %v", names, err)
	}
	return names[0]
}

// Written waits until the append-only file has what was acknowledged. Under
// appendfsync everysec a write waits in the server for up to two seconds while
// the disk is busy.
func (s *Server) Written(t testing.TB) {
	t.Helper()
	for !strings.Contains(fmt.Sprint(s.Do(t, "info", "persistence")), "aof_buffer_length:0\r\n") {
		time.Sleep(5 * time.Millisecond)
	}
}

// Size returns how long the append-only file is when it has what was
// acknowledged.
func (s *Server) Size(t testing.TB) int64 {
	t.Helper()
	s.Written(t)
	info, err := os.Stat(s.log(t))
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

// Truncate cuts the append-only file of a server that was killed, as a power cut
// does to what was not flushed.
func (s *Server) Truncate(t testing.TB, size int64) {
	t.Helper()
	if err := os.Truncate(s.log(t), size); err != nil {
		t.Fatal(err)
	}
}
