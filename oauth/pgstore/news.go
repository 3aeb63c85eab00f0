package pgstore

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rblx-go/opencloud/oauth"
)

// news is what other processes are yet to be told. It is sent apart from the
// writes themselves, many ids at a time: commits with a NOTIFY wait for one
// another, each for the other's flush to the disk, and 64 clients that commit
// 4500 times a second without are down to 400.
type news struct {
	mu      sync.Mutex
	ids     []string
	sending sync.WaitGroup // at most one goroutine, while there is something to send
	busy    bool
}

const (
	// payloadIDs is how many ids fit into the 8000 bytes of a notification.
	payloadIDs = 256
	// mostNews bounds what waits to be sent; the rest is told as anything.
	mostNews  = 16 * payloadIDs
	newsLimit = 5 * time.Second
)

// notifyStatement need not be flushed: what a crash loses is told by the loss
// of the connection.
const notifyStatement = "SELECT pg_notify($1, $2), set_config('synchronous_commit', 'off', true)"

// tell has the id told to all processes, soon.
func (s *Store) tell(id oauth.GrantID) {
	n := &s.news
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.ids) == mostNews {
		n.ids = []string{anything}
	}
	n.ids = append(n.ids, string(id))
	if !n.busy {
		n.busy = true
		n.sending.Go(s.sendNews)
	}
}

// sendNews goes on until there is nothing to send.
func (s *Store) sendNews() {
	for ids := s.news.take(); len(ids) > 0; ids = s.news.take() {
		ctx, cancel := context.WithTimeout(context.Background(), newsLimit)
		// What cannot be told is not missed: whoever waits reads again anyway.
		_, _ = s.pool.Exec(ctx, notifyStatement, pgx.QueryExecModeExec, s.channel(), strings.Join(ids, separator))
		cancel()
	}
}

// take returns the ids of the next notification; none ends the sending.
func (n *news) take() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	k := min(len(n.ids), payloadIDs)
	ids := n.ids[:k:k]
	n.ids = n.ids[k:]
	n.busy = k > 0
	return ids
}

// wait returns when all has been sent.
func (n *news) wait() { n.sending.Wait() }
