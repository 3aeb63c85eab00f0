package transport

import (
	"errors"
	"net/http"
	"net/url"
)

// Credential is something that authenticates requests: an API key, or a grant
// of package oauth. Credentials are safe for concurrent use.
type Credential interface {
	// CredentialID tells credentials apart. It is stable and never secret: a
	// grant's id, the hash of a key.
	CredentialID() string
	// RoundTripper returns a RoundTripper that attaches the credential to the
	// requests which go to allowed origins, and sends all requests through base.
	// As it runs beneath http.Client it decides anew on each hop of a redirect.
	RoundTripper(base http.RoundTripper, allowed Origins) http.RoundTripper
}

// authenticate puts cred above a wire, and tells its errors from those of that:
// what the credential stopped was not sent, and comes to nothing if tried again.
func authenticate(base http.RoundTripper, cred Credential, allowed Origins) http.RoundTripper {
	return &authTransport{cred.RoundTripper(base, allowed), cred.CredentialID()}
}

type authTransport struct {
	http.RoundTripper
	id string
}

// RoundTrip implements http.RoundTripper.
func (t *authTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := t.RoundTripper.RoundTrip(r)
	if err == nil {
		return resp, nil
	}
	if direct, ok := err.(*wireError); ok { //nolint:errorlint // what wraps it is the credential's to say
		return resp, direct.error
	}
	if _, sent := errors.AsType[*wireError](err); !sent {
		err = &unsentError{err}
	}
	return resp, err
}

// CredentialID tells whoever is handed this RoundTripper that it has one.
func (t *authTransport) CredentialID() string { return t.id }

// CloseIdleConnections makes http.Client's method of that name reach base.
func (t *authTransport) CloseIdleConnections() { closeIdle(t.RoundTripper) }

// wire marks the errors of what is beneath it, and keeps it from sending again
// by itself.
type wire struct{ base http.RoundTripper }

func (w wire) RoundTrip(r *http.Request) (*http.Response, error) { return w.send(calm(once(r))) }

func (w wire) send(r *http.Request) (*http.Response, error) {
	resp, err := w.base.RoundTrip(r)
	if err == nil {
		return resp, nil
	}
	for { // a base that is an http.Client itself tells the URL
		u, ok := err.(*url.Error) //nolint:errorlint // only what is outermost is net/http's
		if !ok {
			return resp, &wireError{err}
		}
		err = u.Err
	}
}

func (w wire) CloseIdleConnections() { closeIdle(w.base) }

type wireError struct{ error }

func (e *wireError) Unwrap() error { return e.error }

type unsentError struct{ error }

func (e *unsentError) Unwrap() error { return e.error }

// Unsent marks err as of a request that a RoundTripper has stopped before the
// network, as [NotSent] reports. The text of err stays.
func Unsent(err error) error { return &unsentError{err} }

// NotSent reports whether err is of a request that was stopped before the
// network: the credential refused it, or its turn comes after the deadline.
// Trying again at once comes to nothing.
func NotSent(err error) bool {
	if err == nil {
		return false
	}
	_, unsent := errors.AsType[*unsentError](err)
	_, early := errors.AsType[*WaitError](err)
	return unsent || early
}
