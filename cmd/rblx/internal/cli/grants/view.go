package grants

import (
	"fmt"
	"strings"
	"time"

	"github.com/rblx-go/opencloud/oauth"
)

// summary is what a list has of a grant, as JSON.
type summary struct {
	GrantID    oauth.GrantID `json:"grant_id"`
	ClientID   string        `json:"client_id"`
	Subject    string        `json:"subject"`
	State      oauth.State   `json:"state"`
	Reason     oauth.Reason  `json:"reason,omitzero"`
	Generation uint64        `json:"generation"`
	Scopes     []string      `json:"scopes"`
	Issued     time.Time     `json:"issued"`            // of the tokens
	Expiry     time.Time     `json:"expiry"`            // of the access token
	InDoubt    bool          `json:"in_doubt,omitzero"` // a refresh is unanswered
}

func summaryOf(row oauth.Row) summary {
	return summary{
		GrantID: row.GrantID, ClientID: row.App, Subject: row.Subject, State: row.State, Reason: row.Reason,
		Generation: row.Generation, Scopes: strings.Fields(row.Scope), Issued: row.RefreshIssued.UTC(), Expiry: row.Expiry.UTC(),
		InDoubt: row.State == oauth.StateActive && (row.DoubtGen == row.Generation && row.DoubtGen != 0 ||
			row.Intent != nil && !row.Intent.Deadline.After(row.Now)),
	}
}

// standing is the state with its reason.
func (s summary) standing() string {
	switch {
	case s.Reason != "":
		return fmt.Sprintf("%s (%s)", s.State, s.Reason)
	case s.InDoubt:
		return fmt.Sprintf("%s (in doubt)", s.State)
	}
	return string(s.State)
}

// The columns have widths of their own, since the longest of a million rows is
// not known at the first.
const columns = "%-26s  %-12s  %-30s  %10v  %s\n"

func header() string {
	return fmt.Sprintf(columns, "GRANT", "SUBJECT", "STATE", "GENERATION", "ISSUED")
}

func (s summary) line() string {
	subject := s.Subject
	if subject == "" {
		subject = "-"
	}
	return fmt.Sprintf(columns, s.GrantID, subject, s.standing(), s.Generation, s.Issued.Format(time.RFC3339))
}

// details is all that is stored of a grant, but for its tokens.
type details struct {
	summary

	Intent      *intent   `json:"intent,omitzero"`
	CommittedBy string    `json:"committed_by,omitzero"`
	CommittedAt time.Time `json:"committed_at,omitzero"`
	DoubtGen    uint64    `json:"doubt_generation,omitzero"`
	ForcedAt    time.Time `json:"forced_at,omitzero"`
	RunID       string    `json:"run_id"`
	StoreRun    string    `json:"store_run"`
	StoreTime   time.Time `json:"store_time"`
	Version     string    `json:"version"`
	SealedBytes int       `json:"sealed_bytes"`
}

type intent struct {
	ID       string    `json:"id"`
	Base     uint64    `json:"base"`
	Deadline time.Time `json:"deadline"`
}

func detailsOf(row oauth.Row) details {
	d := details{
		summary: summaryOf(row), CommittedBy: row.CommittedBy, CommittedAt: utc(row.CommittedAt), DoubtGen: row.DoubtGen, ForcedAt: utc(row.ForcedAt),
		RunID: row.RunID, StoreRun: row.StoreRun, StoreTime: row.Now.UTC(), Version: string(row.Version), SealedBytes: len(row.Sealed),
	}
	if row.Intent != nil {
		d.Intent = &intent{ID: row.Intent.ID, Base: row.Intent.Base, Deadline: row.Intent.Deadline.UTC()}
	}
	return d
}

func utc(t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	return t.UTC()
}

// String is a table of two columns. Times of the store's clock stand as their
// distance from its present: on one machine that clock begins with its boot.
func (d details) String() string {
	var b strings.Builder
	row := func(name, format string, args ...any) {
		fmt.Fprintf(&b, "%-14s  "+format+"\n", append([]any{name}, args...)...)
	}
	row("grant", "%s", d.GrantID)
	row("client", "%s", d.ClientID)
	row("subject", "%s", d.Subject)
	row("state", "%s", d.standing())
	row("generation", "%d", d.Generation)
	row("scopes", "%s", strings.Join(d.Scopes, " "))
	row("issued", "%s", d.Issued.Format(time.RFC3339))
	row("access expires", "%s", d.Expiry.Format(time.RFC3339))
	if d.Intent != nil {
		row("intent", "%s, to refresh generation %d until %s", d.Intent.ID, d.Intent.Base, d.ago(d.Intent.Deadline))
	}
	row("committed", "%s by %s", d.ago(d.CommittedAt), d.by())
	if d.DoubtGen != 0 {
		row("doubtful", "generation %d", d.DoubtGen)
	}
	if !d.ForcedAt.IsZero() {
		row("forced", "%s", d.ago(d.ForcedAt))
	}
	row("store", "run %s", d.StoreRun)
	if d.RunID != d.StoreRun {
		row("written under", "run %s: the store has failed over or was restored since", d.RunID)
	}
	row("version", "%s", d.Version)
	row("tokens", "%d bytes, not shown", d.SealedBytes)
	return b.String()
}

func (d details) by() string {
	if d.CommittedBy == "" {
		return "the sign-in"
	}
	return d.CommittedBy
}

func (d details) ago(t time.Time) string {
	since := d.StoreTime.Sub(t).Round(time.Second)
	switch {
	case t.IsZero():
		return "never"
	case since < 0:
		return "in " + (-since).String()
	}
	return since.String() + " ago"
}
