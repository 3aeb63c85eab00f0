package grants

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"iter"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/rblx-go/opencloud/oauth"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// endless is a store that counts the rows it yields.
type endless struct {
	oauth.Store
	rows    int
	yielded func(n int)
	last    error
}

func (s endless) Find(context.Context, oauth.Query) iter.Seq2[oauth.Row, error] {
	return func(yield func(oauth.Row, error) bool) {
		for n := range s.rows {
			s.yielded(n)
			if !yield(oauth.Row{GrantID: "a", State: oauth.StateActive}, nil) {
				return
			}
		}
		if s.last != nil {
			yield(oauth.Row{}, s.last)
		}
	}
}

type lineCounter struct{ lines int }

func (c *lineCounter) Write(p []byte) (int, error) {
	c.lines += bytes.Count(p, []byte("\n"))
	return len(p), nil
}

// Rows are printed as they come: a list holds no more than a buffer of them.
func TestListStreams(t *testing.T) {
	t.Parallel()
	const rows = 20_000
	for _, asJSON := range []bool{false, true} {
		var out lineCounter
		s := endless{rows: rows, yielded: func(n int) {
			if n-out.lines > 100 {
				t.Fatalf("%d rows were read and %d lines printed", n, out.lines)
			}
		}}
		if err := list(t.Context(), s, oauth.Query{}, asJSON, &out); err != nil || out.lines < rows {
			t.Errorf("%d lines, %v", out.lines, err)
		}
	}
}

// What was read before an error is printed all the same.
func TestListTellsOfErrors(t *testing.T) {
	t.Parallel()
	var out lineCounter
	bad := errors.New("a bad row")
	err := list(t.Context(), endless{rows: 3, yielded: func(int) {}, last: bad}, oauth.Query{}, true, &out)
	if !errors.Is(err, bad) || out.lines != 3 {
		t.Errorf("%d lines, %v", out.lines, err)
	}
	err = list(t.Context(), endless{rows: 100, yielded: func(int) {}}, oauth.Query{}, true, full{})
	if !errors.Is(err, errFull) {
		t.Errorf("an output that cannot be written: %v", err)
	}
}

var errFull = errors.New("full")

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errFull }

func TestAge(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Duration{"60d": 60 * day, "36h": 36 * time.Hour, "0d": 0, "90m": 90 * time.Minute} {
		var a age
		if err := a.Set(text); err != nil || time.Duration(a) != want {
			t.Errorf("%q is %v, %v", text, time.Duration(a), err)
		}
		if again := a; want != 0 && (again.Set(a.String()) != nil || again != a) {
			t.Errorf("%q shows as %q", text, a.String())
		}
	}
	for _, text := range []string{"", "d", "-1d", "-1h", "1.5d", "soon", "99999999999999999999d"} {
		if err := new(age).Set(text); err == nil {
			t.Errorf("%q is an age", text)
		}
	}
}

func TestDead(t *testing.T) {
	t.Parallel()
	d := dead{before: time.Now().Add(-30 * day)}
	for _, c := range []struct {
		state  oauth.State
		reason oauth.Reason
		age    time.Duration
		want   bool
	}{
		{oauth.StateActive, "", 100 * day, false},
		{oauth.StateNeedsReauth, oauth.ReasonRevoked, 31 * day, true},
		{oauth.StateNeedsReauth, oauth.ReasonRevoked, 29 * day, false},
		{oauth.StateTombstone, oauth.ReasonConfirmed, 31 * day, true},
		{oauth.StateTombstone, oauth.ReasonConfirmed, 29 * day, false},
		{oauth.StateTombstone, oauth.ReasonUnreachable, 31 * day, false},
		{oauth.StateTombstone, oauth.ReasonPending, 89 * day, false},
		{oauth.StateTombstone, oauth.ReasonUnreachable, 91 * day, true},
	} {
		row := oauth.Row{State: c.state, Reason: c.reason, RefreshIssued: time.Now().Add(-c.age)}
		if d.has(row) != c.want {
			t.Errorf("%s (%s) after %v: %v", c.state, c.reason, c.age, !c.want)
		}
	}
}

// Deleting goes on past what fails, and leaves what has changed meanwhile.
func TestRemove(t *testing.T) {
	t.Parallel()
	s := &stubborn{Store: oauth.NewMemoryStore()}
	for range 5 {
		if _, err := s.Swap(t.Context(), "", oauth.Row{GrantID: oauth.NewGrantID(), State: oauth.StateNeedsReauth}); err != nil {
			t.Fatal(err)
		}
	}
	d := dead{store: s, before: time.Now()}
	if n, err := d.count(t.Context()); n != 5 || err != nil {
		t.Errorf("%d counted, %v", n, err)
	}
	if n, err := d.remove(t.Context()); n != 3 || !errors.Is(err, errFull) || strings.Contains(err.Error(), oauth.ErrConflict.Error()) {
		t.Errorf("%d removed, %v", n, err)
	}
}

// stubborn refuses the first two deletions.
type stubborn struct {
	oauth.Store
	asked int
}

func (s *stubborn) Delete(ctx context.Context, id oauth.GrantID, v oauth.Version) error {
	switch s.asked++; s.asked {
	case 1:
		return errFull
	case 2:
		return oauth.ErrConflict
	}
	return s.Store.Delete(ctx, id, v)
}

// What is printed of a grant has every field of its row but the tokens.
func TestDetails(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	d := detailsOf(oauth.Row{
		GrantID: "GRANT", App: "APP", Subject: "SUBJECT", Generation: 41, State: oauth.StateActive, Reason: "REASON",
		Expiry: at, RefreshIssued: at, Scope: "SCOPE", Intent: &oauth.Intent{ID: "INTENT", Base: 42, Deadline: at},
		CommittedBy: "BY", CommittedAt: at, DoubtGen: 43, RunID: "RUN1", ForcedAt: at, Sealed: []byte("hush"),
		Version: "VERSION", Now: at.Add(time.Minute), StoreRun: "RUN2",
	})
	text, err := json.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	for _, shown := range []string{d.String(), string(text)} {
		for want := range strings.FieldsSeq("GRANT APP SUBJECT 41 active REASON 2026-01-02T03:04:05Z SCOPE INTENT 42 BY 43 RUN1 RUN2 VERSION") {
			if !strings.Contains(shown, want) {
				t.Errorf("%s is missing in %s", want, shown)
			}
		}
		if strings.Contains(shown, "hush") {
			t.Errorf("the tokens show in %s", shown)
		}
	}
}
