package oauth

import (
	"context"
	"crypto/rand"
	"encoding/base32"
	"errors"
	"iter"
	"strings"
	"time"
)

// GrantID names one authorization: 128 random bits as 26 lower-case base32
// characters. Two sign-ins of one account are two grants.
//
// A GrantID is a name, not an authenticator: keep it in a server-side session
// or in a signed cookie, never bare in a cookie or a URL.
type GrantID string

func grantIDText() *base32.Encoding {
	return base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)
}

// NewGrantID returns a fresh random GrantID.
func NewGrantID() GrantID {
	var b [16]byte
	rand.Read(b[:]) // never fails (crypto/rand since Go 1.24)
	return GrantID(grantIDText().EncodeToString(b[:]))
}

// Valid reports whether id has the form NewGrantID gives it. Stores may use
// valid ids as file names and keys without escaping.
func (id GrantID) Valid() bool {
	if len(id) != 26 || strings.ToLower(string(id)) != string(id) {
		return false
	}
	b, err := grantIDText().DecodeString(string(id))
	return err == nil && len(b) == 16
}

// Version identifies one stored state of a Row. It never repeats for a grant,
// not even after a failover or a restored backup. The zero Version means "no
// row yet".
type Version string

// State says what a grant can still be used for.
type State string

// The states of a grant. A tombstone never becomes anything else.
const (
	StateActive      State = "active"
	StateNeedsReauth State = "needs_reauth"
	StateTombstone   State = "tombstone"
)

// Reason says why a Row is in its State.
type Reason string

// Reasons of StateNeedsReauth, then of StateTombstone.
const (
	// ReasonRevoked: Roblox refused the refresh token and no earlier attempt of
	// ours explains it, so the user (or time) ended the authorization.
	ReasonRevoked Reason = "revoked"
	// ReasonLostInFlight: an answer died between Roblox and us, and with it the
	// only usable refresh token.
	ReasonLostInFlight Reason = "lost_in_flight"
	// ReasonSubjectChanged: a refresh brought an ID token of another user.
	ReasonSubjectChanged Reason = "subject_changed"

	// ReasonPending: Revoke has been asked for and Roblox not yet told.
	ReasonPending Reason = "pending"
	// ReasonConfirmed: Roblox has accepted the revocation of the newest token.
	ReasonConfirmed Reason = "confirmed"
	// ReasonUnreachable: a token we never received may live on at Roblox.
	ReasonUnreachable Reason = "unreachable"
)

// Intent announces a refresh before anything is sent. It is lease and safety
// both: while it stands and its deadline has not passed, nobody else sends.
type Intent struct {
	ID       string    // fresh for each attempt; kept when a swap of unknown outcome is retried
	Base     uint64    // the generation whose refresh token is presented
	Deadline time.Time // in the store's clock ([Row.Now]); nothing is sent after it
}

// Row is all that is stored of one grant. Stores keep every field but the last
// three, which they fill in, and never look into Sealed.
type Row struct {
	GrantID       GrantID
	App           string // the client id
	Subject       string // the Roblox user id; empty until an ID token is verified
	Generation    uint64 // grows by one with each refresh token
	State         State
	Reason        Reason
	Expiry        time.Time // of the access token, wall clock
	RefreshIssued time.Time // of this generation's tokens, wall clock
	Scope         string    // as granted, space separated
	Intent        *Intent
	CommittedBy   string    // the id of the intent that brought this generation
	CommittedAt   time.Time // when it did, in the store's clock
	DoubtGen      uint64    // the highest generation ever probed or quarantined
	RunID         string    // the StoreRun under which the row was last written
	ForcedAt      time.Time // of the last forced refresh, in the store's clock
	Sealed        []byte    // the tokens, of no form that a store may rely on

	Version  Version   // set by the store
	Now      time.Time // the store's clock when it answered
	StoreRun string    // the store's identity; another one means a failover
}

// Query selects rows; zero fields select everything.
type Query struct {
	Subject string
	State   State
	// Due selects active rows whose refresh token was issued before this time.
	Due time.Time
}

// Matches reports whether q selects row.
func (q Query) Matches(row Row) bool {
	return (q.Subject == "" || row.Subject == q.Subject) &&
		(q.State == "" || row.State == q.State) &&
		(q.Due.IsZero() || (row.State == StateActive && row.RefreshIssued.Before(q.Due)))
}

// Store keeps grants. Implementations are safe for concurrent use by many
// processes. The conformance suite is package storetest.
type Store interface {
	// Load returns the row of a grant from the primary, or ErrNoGrant.
	Load(context.Context, GrantID) (Row, error)

	// Swap replaces the row whose Version is old by new, or creates it where
	// old is zero, and returns what it stored with its new Version. It has
	// three outcomes: nil; an error that wraps ErrConflict (nothing changed,
	// since the row has another Version, or new.StoreRun, under which it was
	// read, is no longer the store's: a failover may have brought an old version
	// back); any other error that does not wrap
	// ErrNotWritten, after which the outcome is unknown and the row must be
	// read again. ErrNotWritten promises that nothing was and will be written.
	Swap(ctx context.Context, old Version, new Row) (Row, error)

	// Find yields the rows that match, in no order. An error ends it.
	Find(context.Context, Query) iter.Seq2[Row, error]

	// ClaimDue returns at most n active rows whose refresh tokens are oldest and
	// hides them from other ClaimDue calls for ttl.
	ClaimDue(ctx context.Context, n int, ttl time.Duration) ([]Row, error)

	// Delete removes a row of that Version; ErrConflict if it has another,
	// ErrNoGrant if there is none.
	Delete(context.Context, GrantID, Version) error
}

// Errors that stores return beside ErrNoGrant, to be tested with errors.Is.
var (
	ErrConflict   = errors.New("the row has changed")
	ErrUnknown    = errors.New("the outcome of the write is unknown")
	ErrNotWritten = errors.New("the store cannot write")
	ErrCorruptRow = errors.New("the row cannot be read")
)

// Flow is one sign-in under way: what StartLogin leaves for FinishLogin.
type Flow struct {
	ID      string    // SHA-256 of the state, base64url without padding
	Binding string    // SHA-256 of the browser's cookie, likewise
	Expires time.Time // wall clock
	Sealed  []byte    // nonce, code verifier, issuer and return path, likewise no form to rely on
}

// FlowStore keeps sign-ins under way and gives each out once, whichever
// process asks.
type FlowStore interface {
	// PutFlow stores a new flow. It is an error if there is one of that id, taken
	// or not.
	PutFlow(context.Context, Flow) error

	// TakeFlow removes and returns the flow of that id if the binding is its
	// own, atomically. Otherwise it returns ErrFlowUnknown, ErrFlowUsed,
	// ErrFlowExpired or ErrFlowBinding and removes nothing: a link opened in
	// another browser does not spoil the sign-in.
	TakeFlow(ctx context.Context, id, binding string) (Flow, error)
}

// Errors that flow stores return, to be tested with errors.Is.
var (
	ErrFlowUnknown = errors.New("no such sign-in")
	ErrFlowUsed    = errors.New("the sign-in was finished before")
	ErrFlowExpired = errors.New("the sign-in took too long")
	ErrFlowBinding = errors.New("the sign-in was started in another browser")
)
