package demo

import (
	"bufio"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/rblx-go/opencloud/mocks/browser"
	"github.com/rblx-go/opencloud/oauth"
)

// stream is an open event stream of a browser.
type stream struct {
	t     *testing.T
	lines *bufio.Scanner
}

func (r *rig) watch(t *testing.T, b *browser.Browser) *stream {
	t.Helper()
	server := httptest.NewServer(r.handler)
	t.Cleanup(server.Close)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+"/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Host = "localhost:3000"
	home, err := url.Parse(testOrigin)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range b.Cookies(home) {
		req.AddCookie(c)
	}
	resp, err := server.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = resp.Body.Close() })
	if got := resp.Header.Get("Content-Type"); resp.StatusCode != http.StatusOK || got != "text/event-stream" {
		t.Fatalf("%d, %q", resp.StatusCode, got)
	}
	return &stream{t, bufio.NewScanner(resp.Body)}
}

// next returns the next event; an empty name is the end of the stream.
func (s *stream) next() (event string, data rotation) {
	s.t.Helper()
	for s.lines.Scan() {
		switch name, value, _ := strings.Cut(s.lines.Text(), ": "); name {
		case "event":
			event = value
		case "data":
			if err := json.Unmarshal([]byte(value), &data); err != nil {
				s.t.Fatal(err)
			}
		default:
			return event, data
		}
	}
	return "", data
}

func TestEvents(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(b *backend) { b.Pace = 2 * time.Second }) // real connections take real time
	b := r.signIn(t)
	mine, other := r.watch(t, b), r.watch(t, r.signIn(t))
	for _, s := range []*stream{mine, other} {
		if event, token := s.next(); event != "token" || token.Generation != 1 || !token.Expiry.After(token.Issued) {
			t.Fatalf("first came %q %+v", event, token)
		}
	}
	form := url.Values{"form_token": {r.site.cookies.formToken(sessionOf(t, r, b))}, "quiet": {"1"}}
	for want := uint64(2); want <= 3; want++ {
		if page := r.post(t, b, "/rotate", form); page.Status != http.StatusNoContent {
			t.Fatalf("rotate: %d %s", page.Status, page.Body)
		}
		if event, line := mine.next(); event != "rotation" || line.Kind != oauth.EventRefreshed || line.Generation != want {
			t.Fatalf("after rotation to %d came %q %+v", want, event, line)
		}
	}
	if page := r.post(t, b, "/logout", form); page.Status != http.StatusSeeOther {
		t.Fatalf("logout: %d", page.Status)
	}
	if event, line := mine.next(); event != "ended" {
		t.Errorf("after signing out came %q %+v", event, line)
	}
	if event, _ := mine.next(); event != "" {
		t.Errorf("the stream goes on with %q", event)
	}
	r.site.hub.close()
	if event, line := other.next(); event != "" {
		t.Errorf("somebody else's rotation was seen: %q %+v", event, line)
	}
}

func TestEventsNeedASession(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	w := httptest.NewRecorder()
	req := httptest.NewRequestWithContext(t.Context(), http.MethodGet, testOrigin+"/events", nil)
	r.handler.ServeHTTP(w, req)
	if w.Code != http.StatusUnauthorized {
		t.Errorf("status %d, want 401", w.Code)
	}
}

func TestHistoryIsBounded(t *testing.T) {
	t.Parallel()
	h := newHub()
	for i := range uint64(3 * maxHistory) {
		h.tell(t.Context(), oauth.TokenEvent{Kind: oauth.EventRefreshed, GrantID: "a", Generation: i})
	}
	past := h.past("a")
	if len(past) != maxHistory || past[0].Generation != 3*maxHistory-1 {
		t.Errorf("%d lines, the newest of generation %d", len(past), past[0].Generation)
	}
	if len(h.past("b")) != 0 {
		t.Error("the history of another grant")
	}
}
