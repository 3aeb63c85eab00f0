package redistest

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Cluster starts a cluster of n primaries. By default they do not take one
// another for dead when the machine pauses.
func Cluster(t testing.TB, n int, settings ...string) []*Server {
	t.Helper()
	const slots = 16384
	servers := make([]*Server, n)
	for i := range servers {
		servers[i] = Start(t, append([]string{"cluster-enabled", "yes"}, settings...)...)
		servers[i].Do(t, "cluster", "addslotsrange", i*slots/n, (i+1)*slots/n-1)
		servers[i].Do(t, "cluster", "set-config-epoch", i+1)
	}
	for _, s := range servers[1:] {
		servers[0].Meet(t, s)
	}
	for _, s := range servers {
		s.Await(t, "cluster_state:ok", "cluster_known_nodes:"+strconv.Itoa(n))
		s.awaitLinks(t)
	}
	return servers
}

// Meet makes another server part of the cluster of s.
func (s *Server) Meet(t testing.TB, other *Server) {
	t.Helper()
	host, port, _ := strings.Cut(other.Addr, ":")
	s.Do(t, "cluster", "meet", host, port)
}

// Replica starts one of s, which is part of a cluster, and waits until it has
// what is there.
func (s *Server) Replica(t testing.TB, settings ...string) *Server {
	t.Helper()
	r := Start(t, append([]string{"cluster-enabled", "yes"}, settings...)...)
	s.Meet(t, r)
	id, _ := s.Do(t, "cluster", "myid").(string)
	for !strings.Contains(fmt.Sprint(r.Do(t, "cluster", "nodes")), id) {
		time.Sleep(20 * time.Millisecond)
	}
	r.Do(t, "cluster", "replicate", id)
	for !strings.Contains(fmt.Sprint(r.Do(t, "info", "replication")), "master_link_status:up") {
		time.Sleep(20 * time.Millisecond)
	}
	return r
}

// awaitLinks waits until s has a link to each server that it knows. Before that
// its cluster may be ok already, but what is published on s does not reach them.
func (s *Server) awaitLinks(t testing.TB) {
	t.Helper()
	for {
		nodes := fmt.Sprint(s.Do(t, "cluster", "nodes"))
		if !strings.Contains(nodes, "disconnected") && !strings.Contains(nodes, "handshake") {
			return
		}
		select {
		case <-t.Context().Done():
			t.Fatalf("the cluster's servers are not linked: %s", nodes)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// Await waits until the cluster's state has all these lines.
func (s *Server) Await(t testing.TB, lines ...string) {
	t.Helper()
	client := s.Client()
	defer client.Close()
	for {
		info, err := client.ClusterInfo(context.Background()).Result()
		if err != nil {
			t.Fatal(err)
		}
		missing := 0
		for _, line := range lines {
			if !strings.Contains(info, line) {
				missing++
			}
		}
		if missing == 0 {
			return
		}
		select {
		case <-t.Context().Done():
			t.Fatalf("the cluster is not ready: %s", info)
		case <-time.After(20 * time.Millisecond):
		}
	}
}
