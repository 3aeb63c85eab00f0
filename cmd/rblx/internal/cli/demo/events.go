package demo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/rblx-go/opencloud/oauth"
)

// rotation is one line of the strip.
type rotation struct {
	Kind       oauth.EventKind `json:"kind"`
	Generation uint64          `json:"generation"`
	At         time.Time       `json:"at"`
	Issued     time.Time       `json:"issued"`
	Expiry     time.Time       `json:"expiry"`
}

// maxHistory is how many rotations of a grant the strip shows.
const maxHistory = 8

// hub hands what happens to grants to the pages that watch them.
type hub struct {
	mu       sync.Mutex
	history  map[oauth.GrantID][]rotation // newest first
	watchers map[chan rotation]oauth.GrantID
	closed   chan struct{}
}

func newHub() *hub {
	return &hub{
		history:  map[oauth.GrantID][]rotation{},
		watchers: map[chan rotation]oauth.GrantID{},
		closed:   make(chan struct{}),
	}
}

// tell is oauth's OnTokenChange.
func (h *hub) tell(_ context.Context, e oauth.TokenEvent) {
	line := rotation{Kind: e.Kind, Generation: e.Generation, At: time.Now(), Issued: e.Issued, Expiry: e.Expiry}
	h.mu.Lock()
	defer h.mu.Unlock()
	past := append([]rotation{line}, h.history[e.GrantID]...)
	h.history[e.GrantID] = past[:min(len(past), maxHistory)]
	if e.Kind == oauth.EventRevoked {
		delete(h.history, e.GrantID)
	}
	for ch, id := range h.watchers {
		if id != e.GrantID {
			continue
		}
		select {
		case ch <- line:
		default: // a page that does not keep up catches up when it is loaded again
		}
	}
}

func (h *hub) past(id oauth.GrantID) []rotation {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.history[id])
}

// watch returns what will happen to a grant, until leave is called.
func (h *hub) watch(id oauth.GrantID) (events <-chan rotation, leave func()) {
	ch := make(chan rotation, 16)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.watchers[ch] = id
	return ch, func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		delete(h.watchers, ch)
	}
}

// close ends all streams.
func (h *hub) close() { close(h.closed) }

// useEvery is how often a watched token is asked for, as a busy program would:
// that is what makes it refresh in the background before it expires.
const useEvery = 2 * time.Second

// events streams what happens to the browser's grant (server-sent events).
func (s *site) events(w http.ResponseWriter, r *http.Request) {
	sess := s.cookies.session(r)
	if sess == nil {
		http.Error(w, "Not signed in.", http.StatusUnauthorized)
		return
	}
	grant := s.oauth.Grant(sess.grant())
	happened, leave := s.hub.watch(sess.grant())
	defer leave()

	stream := http.NewResponseController(w)
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	send := func(event string, data any) bool {
		text, err := json.Marshal(data)
		if err == nil {
			_, err = fmt.Fprintf(w, "event: %s\ndata: %s\n\n", event, text)
		}
		return err == nil && stream.Flush() == nil
	}
	info, err := grant.Info(r.Context())
	if err != nil || info.State != oauth.StateActive {
		send("ended", struct{}{})
		return
	}
	if !send("token", rotation{Generation: info.Generation, At: time.Now(), Issued: info.Issued, Expiry: info.Expiry}) {
		return
	}
	tick := time.NewTicker(useEvery)
	defer tick.Stop()
	for {
		select {
		case <-r.Context().Done():
			return
		case <-s.hub.closed:
			return
		case line := <-happened:
			if line.Kind == oauth.EventRevoked || line.Kind == oauth.EventNeedsReauth {
				send("ended", struct{}{})
				return
			}
			if !send("rotation", line) {
				return
			}
		case <-tick.C:
			ctx, cancel := context.WithTimeout(r.Context(), useEvery)
			_, err := grant.Token(ctx)
			cancel()
			if errors.Is(err, oauth.ErrNeedsReauth) {
				send("ended", struct{}{})
				return
			}
		}
	}
}
