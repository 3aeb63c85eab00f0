package oauth

import "time"

// EventKind says what happened to a grant.
type EventKind string

// The kinds of TokenEvent.
const (
	EventSignedIn    EventKind = "signed_in"
	EventRefreshed   EventKind = "refreshed"    // this process rotated the refresh token
	EventAdopted     EventKind = "adopted"      // another process did, and we use its tokens
	EventNeedsReauth EventKind = "needs_reauth" // see Reason
	EventRevoked     EventKind = "revoked"      // see Reason for what the provider knows of it
)

// TokenEvent is a committed change of a grant. It holds no secret.
type TokenEvent struct {
	Kind       EventKind
	GrantID    GrantID
	Subject    string
	Generation uint64
	Reason     Reason
	Issued     time.Time // of the access token
	Expiry     time.Time
}

func newEvent(kind EventKind, row Row) TokenEvent {
	return TokenEvent{
		Kind: kind, GrantID: row.GrantID, Subject: row.Subject, Generation: row.Generation,
		Reason: row.Reason, Issued: row.RefreshIssued, Expiry: row.Expiry,
	}
}
