// Package record is the form in which stores keep a row: a header line with a
// checksum, and JSON.
package record

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/rblx-go/opencloud/oauth"
	"github.com/rblx-go/opencloud/oauth/internal/bootclock"
)

// The header's length lets a file be longer than its content, as those written
// into reserved space are; its checksum tells a damaged field from a true one,
// which JSON alone cannot.
const (
	magic    = "rblx-grants"
	format   = "1"
	maxBytes = 4 << 20
)

// Encode returns v as stored. It panics on a type that JSON cannot hold.
func Encode(kind string, v any) []byte {
	body, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	head := fmt.Sprintf("%s %s %s %x %d\n", magic, format, kind, sha256.Sum256(body), len(body))
	return append([]byte(head), body...)
}

// Decode reads what Encode made of a value of that kind. Its errors wrap oauth.ErrCorruptRow and
// never quote the content.
func Decode(r io.Reader, kind string, v any) error {
	data, err := io.ReadAll(io.LimitReader(r, maxBytes))
	if err != nil {
		return err
	}
	head, body, _ := bytes.Cut(data, []byte("\n"))
	var (
		gotMagic, gotFormat, gotKind, sum string
		length                            int
	)
	n, _ := fmt.Sscan(string(head), &gotMagic, &gotFormat, &gotKind, &sum, &length)
	switch {
	case n < 2 || gotMagic != magic:
		return fmt.Errorf("%w: it is empty or nothing that this store wrote", oauth.ErrCorruptRow)
	case gotFormat != format:
		return fmt.Errorf("%w: it has another format; a newer version of this program wrote it", oauth.ErrCorruptRow)
	case n < 5 || gotKind != kind || length < 0:
		return fmt.Errorf("%w: its header is damaged", oauth.ErrCorruptRow)
	case length > len(body):
		return fmt.Errorf("%w: it is cut short", oauth.ErrCorruptRow)
	}
	body = body[:length]
	if !strings.EqualFold(sum, fmt.Sprintf("%x", sha256.Sum256(body))) {
		return fmt.Errorf("%w: its checksum is wrong", oauth.ErrCorruptRow)
	}
	if json.Unmarshal(body, v) != nil {
		return fmt.Errorf("%w: its content has another form", oauth.ErrCorruptRow)
	}
	return nil
}

// Record is an oauth.Row as stored.
type Record struct {
	GrantID       oauth.GrantID `json:"grant"`
	Boot          string        `json:"boot"` // whose clock the store's times are read from
	Version       oauth.Version `json:"version"`
	App           string        `json:"app"`
	Subject       string        `json:"subject,omitempty"`
	Generation    uint64        `json:"generation"`
	State         oauth.State   `json:"state"`
	Reason        oauth.Reason  `json:"reason,omitempty"`
	Expiry        time.Time     `json:"expiry,omitzero"`
	RefreshIssued time.Time     `json:"refresh_issued,omitzero"`
	Scope         string        `json:"scope,omitempty"`
	Intent        *Intent       `json:"intent,omitempty"`
	CommittedBy   string        `json:"committed_by,omitempty"`
	CommittedAt   time.Time     `json:"committed_at,omitzero"`
	DoubtGen      uint64        `json:"doubt_gen,omitempty"`
	RunID         string        `json:"run_id,omitempty"`
	ForcedAt      time.Time     `json:"forced_at,omitzero"`
	Sealed        []byte        `json:"sealed,omitempty"`
}

// Intent is an oauth.Intent as stored.
type Intent struct {
	ID       string    `json:"id"`
	Base     uint64    `json:"base"`
	Deadline time.Time `json:"deadline,omitzero"`
}

// New returns row as version v of it, its times read from the clock of boot.
func New(row oauth.Row, v oauth.Version, boot string) Record {
	return Record{
		GrantID: row.GrantID, Boot: boot, Version: v, App: row.App, Subject: row.Subject, Generation: row.Generation,
		State: row.State, Reason: row.Reason, Expiry: UTC(row.Expiry), RefreshIssued: UTC(row.RefreshIssued),
		Scope: row.Scope, Intent: newIntent(row.Intent), CommittedBy: row.CommittedBy,
		CommittedAt: UTC(row.CommittedAt), DoubtGen: row.DoubtGen, RunID: row.RunID,
		ForcedAt: UTC(row.ForcedAt), Sealed: row.Sealed,
	}
}

// UTC also drops the monotonic reading, which means nothing on disk.
func UTC(t time.Time) time.Time { return t.Round(0).UTC() }

func newIntent(i *oauth.Intent) *Intent {
	if i == nil {
		return nil
	}
	return &Intent{ID: i.ID, Base: i.Base, Deadline: UTC(i.Deadline)}
}

// Row returns the oauth.Row, as read now in that boot from a store of that run.
func (r Record) Row(boot, run string) oauth.Row {
	since := func(t time.Time) time.Time { return bootclock.Since(t, r.Boot, boot) }
	row := oauth.Row{
		GrantID: r.GrantID, App: r.App, Subject: r.Subject, Generation: r.Generation,
		State: r.State, Reason: r.Reason, Expiry: r.Expiry, RefreshIssued: r.RefreshIssued,
		Scope: r.Scope, CommittedBy: r.CommittedBy, CommittedAt: since(r.CommittedAt), DoubtGen: r.DoubtGen,
		RunID: r.RunID, ForcedAt: since(r.ForcedAt), Sealed: r.Sealed,
		Version: r.Version, Now: bootclock.Now(), StoreRun: run,
	}
	if r.Intent != nil {
		row.Intent = &oauth.Intent{ID: r.Intent.ID, Base: r.Intent.Base, Deadline: since(r.Intent.Deadline)}
	}
	return row
}
