package pgstore

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/rblx-go/opencloud/internal/pgtest"
	"github.com/rblx-go/opencloud/oauth"
)

// heard is a store that tells when Watch has begun to hear.
type heard struct {
	*Store
	hears chan struct{}
}

// Watch implements oauth.Watcher.
func (h heard) Watch(ctx context.Context, changed func(oauth.GrantID)) error {
	hears := sync.OnceFunc(func() { close(h.hears) })
	return h.Store.Watch(ctx, func(id oauth.GrantID) {
		changed(id)
		hears()
	})
}

// What one replica revokes another does not use any more, long before it would
// have looked by itself, 14 seconds after it did last.
func TestRevocationReachesReplicas(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DSN(t)
	var (
		grants []*oauth.Grant
		stores []heard
		id     oauth.GrantID
	)
	for range 2 {
		s := heard{openTest(t, dsn), make(chan struct{})}
		stores = append(stores, s)
		if id == "" {
			id = (crowd{grants: 1, hot: 1}).fill(t, s.Store)[0].id
		}
		a, err := oauth.New(oauth.Config{
			ClientID: "1", RedirectURL: "http://localhost/callback", Scopes: []string{"openid"}, Store: s,
			HTTPClient: &http.Client{Transport: rotator{}},
		})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := a.Close(context.WithoutCancel(t.Context())); err != nil {
				t.Error(err)
			}
		})
		grants = append(grants, a.Grant(id))
	}
	for _, g := range grants {
		if _, err := g.Token(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	for _, s := range stores {
		<-s.hears
	}
	if err := grants[0].Revoke(t.Context()); err != nil {
		t.Fatal(err)
	}
	for start := time.Now(); ; time.Sleep(10 * time.Millisecond) {
		_, err := grants[1].Token(t.Context())
		if errors.Is(err, oauth.ErrRevoked) {
			t.Logf("refused after %v", time.Since(start))
			return
		}
		if err != nil || time.Since(start) > 10*time.Second {
			t.Fatal("after", time.Since(start), err)
		}
	}
}
