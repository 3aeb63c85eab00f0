package pgstore

import (
	"context"
	"crypto/rand"
	"errors"
	mathrand "math/rand/v2"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/rblx-go/opencloud/oauth"
)

// A notification's payload: ids, with a separator between them; anything, for
// ids unknown; or a greeting, by which Watch knows that it hears.
const (
	separator = " "
	anything  = "*"
	greeting  = "?"
)

const (
	// listenLimit bounds connecting, and how long a greeting may take.
	listenLimit = 10 * time.Second
	// quiet is how long a connection may be silent before it is tried.
	quiet = 30 * time.Second
)

// Watch implements oauth.Watcher with LISTEN, on a connection of its own
// (Options.ListenDSN). It tells of commits, revocations and deletions, and not
// of the announcement of a refresh, for which nobody waits. Through a
// transaction pooler nothing is heard: it then tries again without end and
// tells of nothing.
func (s *Store) Watch(ctx context.Context, changed func(oauth.GrantID)) error {
	for failures := 0; ctx.Err() == nil; failures++ {
		if s.watch(ctx, changed) {
			failures = 0
		}
		wait := min(50*time.Millisecond<<min(failures, 10), 15*time.Second)
		select {
		case <-time.After(wait/2 + mathrand.N(wait/2)):
		case <-ctx.Done():
		}
	}
	return ctx.Err()
}

// watch listens until the connection is lost, and reports whether it heard.
func (s *Store) watch(ctx context.Context, changed func(oauth.GrantID)) (heard bool) {
	connecting, cancel := context.WithTimeout(ctx, listenLimit)
	defer cancel()
	conn, err := pgx.ConnectConfig(connecting, s.listen.Copy())
	if err != nil {
		return false
	}
	defer func() {
		closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		_ = conn.Close(closing)
	}()
	hello := greeting + rand.Text()
	if _, err := conn.Exec(connecting, "LISTEN "+s.channel(), pgx.QueryExecModeSimpleProtocol); err != nil {
		return false
	}
	// By another connection: a pooler may return a client's own notification.
	if _, err := s.pool.Exec(connecting, notifyStatement, pgx.QueryExecModeExec, s.channel(), hello); err != nil {
		return false
	}
	for !heard {
		n, err := conn.WaitForNotification(connecting)
		if err != nil {
			return false
		}
		if heard = n.Payload == hello; !heard {
			pass(n.Payload, changed)
		}
	}
	changed("")
	for {
		n, err := next(ctx, conn)
		if err != nil {
			return heard
		}
		if n != nil {
			pass(n.Payload, changed)
		}
	}
}

// next waits for a notification, and returns nil where the connection has been
// silent and is alive.
func next(ctx context.Context, conn *pgx.Conn) (*pgconn.Notification, error) {
	waiting, cancel := context.WithTimeout(ctx, quiet)
	defer cancel()
	n, err := conn.WaitForNotification(waiting)
	if err == nil || ctx.Err() != nil || !errors.Is(waiting.Err(), context.DeadlineExceeded) {
		return n, err
	}
	trying, cancel := context.WithTimeout(ctx, listenLimit)
	defer cancel()
	return nil, conn.Ping(trying)
}

// pass tells what a notification says.
func pass(payload string, changed func(oauth.GrantID)) {
	if strings.HasPrefix(payload, greeting) {
		return
	}
	for text := range strings.SplitSeq(payload, separator) {
		switch id := oauth.GrantID(text); {
		case text == anything:
			changed("")
		case id.Valid(): // anybody may notify
			changed(id)
		}
	}
}

// channel is the schema's among those of the database.
func (s *Store) channel() string { return s.schema + "_grants" }
