package oauth

import (
	"errors"
	"fmt"
	"time"
)

// Errors of grants, to be tested with errors.Is.
var (
	// ErrNeedsReauth: the user has to sign in again. Where the refresh token was
	// refused or lost, errors.As gives the *ReauthError with the reason.
	// ErrRevoked and ErrNoGrant are ErrNeedsReauth, too.
	ErrNeedsReauth = errors.New("the user has to sign in again")
	// ErrRevoked: the grant was revoked here, by Grant.Revoke.
	ErrRevoked error = gone("the grant was revoked")
	// ErrNoGrant: the store has no such grant; it was purged or erased, if there
	// ever was one.
	ErrNoGrant error = gone("no such grant")
	// ErrInDoubt: a refresh was sent and not answered. It is not sent again
	// before the answer, had there been one, must have arrived.
	ErrInDoubt = errors.New("a refresh is unanswered")
	// ErrStoreUnavailable: the store cannot be read or written. No refresh was
	// attempted, since its answer could not have been kept.
	ErrStoreUnavailable = errors.New("the store is unavailable")
	// ErrProviderDown: the provider is down, has asked to wait, does not know
	// the client or refuses everybody. Nothing was sent; see the *ProviderError.
	ErrProviderDown = errors.New("refreshes are suspended")
	// ErrNotOffered: the provider has no such endpoint.
	ErrNotOffered = errors.New("the provider has no such endpoint")
	// ErrClosed: the App was closed.
	ErrClosed = errors.New("the app is closed")
)

// gone is the error of a grant that nothing brings back.
type gone string

func (g gone) Error() string { return string(g) }

// Is reports whether target is ErrNeedsReauth.
func (gone) Is(target error) bool { return target == ErrNeedsReauth }

// ReauthError says why a grant is lost.
type ReauthError struct {
	GrantID GrantID
	Reason  Reason
}

// Error implements error.
func (e *ReauthError) Error() string {
	return fmt.Sprintf("oauth: grant %s: %v (%s)", e.GrantID, ErrNeedsReauth, e.Reason)
}

// Is reports whether target is ErrNeedsReauth.
func (e *ReauthError) Is(target error) bool { return target == ErrNeedsReauth }

// ProviderError is an answer of the provider that is not a success
// (RFC 6749 section 5.2). It never holds what was sent.
type ProviderError struct {
	Endpoint    string // "token", "userinfo", ...
	Status      int    // HTTP status; 0 if there was no answer
	Code        string // the error member, "invalid_grant" say; may be empty
	Description string // error_description, cut to 200 bytes, dropped if it repeats a secret
	RetryAfter  time.Duration
	Err         error // what went wrong beneath, if there was no answer or no understanding it
}

// Error implements error.
func (e *ProviderError) Error() string {
	s := "oauth: " + e.Endpoint + " endpoint"
	if e.Status != 0 {
		s += fmt.Sprintf(" answered %d", e.Status)
	}
	if e.Code != "" {
		s += " " + e.Code
	}
	if e.Description != "" {
		s += fmt.Sprintf(" (%s)", e.Description)
	}
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Unwrap returns Err.
func (e *ProviderError) Unwrap() error { return e.Err }
