package filestore

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/rblx-go/opencloud/oauth"
)

// A file is a header line and JSON. The header's length lets a file be longer
// than its content, as those written into reserved space are; its checksum
// tells a damaged field from a true one, which JSON alone cannot.
const (
	magic    = "rblx-filestore"
	format   = "1"
	maxBytes = 4 << 20
)

// encode panics only on a type of this package that JSON cannot hold.
func encode(kind string, v any) []byte {
	body, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	head := fmt.Sprintf("%s %s %s %x %d\n", magic, format, kind, sha256.Sum256(body), len(body))
	return append([]byte(head), body...)
}

// decodeFile reads what encode made. Its errors wrap oauth.ErrCorruptRow and
// never quote the content.
func decodeFile(r io.Reader, kind string, v any) error {
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
		return fmt.Errorf("%w: it is empty or no file of this store", oauth.ErrCorruptRow)
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

// record is a row as stored.
type record struct {
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
	Intent        *intent       `json:"intent,omitempty"`
	CommittedBy   string        `json:"committed_by,omitempty"`
	CommittedAt   time.Time     `json:"committed_at,omitzero"`
	DoubtGen      uint64        `json:"doubt_gen,omitempty"`
	RunID         string        `json:"run_id,omitempty"`
	ForcedAt      time.Time     `json:"forced_at,omitzero"`
	Sealed        []byte        `json:"sealed,omitempty"`
}

type intent struct {
	ID       string    `json:"id"`
	Base     uint64    `json:"base"`
	Deadline time.Time `json:"deadline,omitzero"`
}

func (s *Store) newRecord(row oauth.Row, v oauth.Version) record {
	return record{
		GrantID: row.GrantID, Boot: s.boot, Version: v, App: row.App, Subject: row.Subject, Generation: row.Generation,
		State: row.State, Reason: row.Reason, Expiry: utc(row.Expiry), RefreshIssued: utc(row.RefreshIssued),
		Scope: row.Scope, Intent: newIntent(row.Intent), CommittedBy: row.CommittedBy,
		CommittedAt: utc(row.CommittedAt), DoubtGen: row.DoubtGen, RunID: row.RunID,
		ForcedAt: utc(row.ForcedAt), Sealed: row.Sealed,
	}
}

// utc also drops the monotonic reading, which means nothing on disk.
func utc(t time.Time) time.Time { return t.Round(0).UTC() }

func newIntent(i *oauth.Intent) *intent {
	if i == nil {
		return nil
	}
	return &intent{ID: i.ID, Base: i.Base, Deadline: utc(i.Deadline)}
}

func (s *Store) row(r record) oauth.Row {
	row := oauth.Row{
		GrantID: r.GrantID, App: r.App, Subject: r.Subject, Generation: r.Generation,
		State: r.State, Reason: r.Reason, Expiry: r.Expiry, RefreshIssued: r.RefreshIssued,
		Scope: r.Scope, CommittedBy: r.CommittedBy, CommittedAt: s.since(r, r.CommittedAt), DoubtGen: r.DoubtGen,
		RunID: r.RunID, ForcedAt: s.since(r, r.ForcedAt), Sealed: r.Sealed,
		Version: r.Version, Now: bootNow(), StoreRun: s.run,
	}
	if r.Intent != nil {
		row.Intent = &oauth.Intent{ID: r.Intent.ID, Base: r.Intent.Base, Deadline: s.since(r, r.Intent.Deadline)}
	}
	return row
}

// since carries a time of the store's clock over a reboot, with which the clock
// begins anew: whatever it stands for was over when the machine came up again.
func (s *Store) since(r record, t time.Time) time.Time {
	if r.Boot == s.boot || t.IsZero() {
		return t
	}
	return time.Unix(0, 0).UTC() // where bootNow begins
}
