package oauth

import (
	"errors"
	"net/http"
)

// Kinds of CallbackError, to be tested with errors.Is.
var (
	// ErrDenied: the user, or Roblox for them, did not allow access.
	ErrDenied = errors.New("access was denied")
	// ErrNoCreators: the user chose nothing that the app could act for.
	ErrNoCreators = errors.New("no universe, account or group was chosen")
	// ErrCodeExpired: the provider no longer takes the code; Roblox's live a
	// minute.
	ErrCodeExpired = errors.New("the authorization code has expired or was used")
	// ErrOtherDevice: Roblox saw another public IP address at the end of the
	// sign-in than at its start.
	ErrOtherDevice = errors.New("the authorization code may not be used from this device")
	// ErrStateUnknown: no such sign-in was started here.
	ErrStateUnknown = errors.New("the state is unknown")
	// ErrStateExpired: the user took more than ten minutes.
	ErrStateExpired = errors.New("the state has expired")
	// ErrStateUsed: this sign-in is finished; the page was loaded again.
	ErrStateUsed = errors.New("the state was used before")
	// ErrOtherBrowser: another browser started this sign-in, or this one lost
	// its cookie.
	ErrOtherBrowser = errors.New("the state belongs to another browser")
	// ErrBadCallback: the request is not one that the provider sends.
	ErrBadCallback = errors.New("the callback is malformed")
	// ErrSignInFailed: anything else; the error beneath says what.
	ErrSignInFailed = errors.New("the sign-in failed")
)

// CallbackError says why a sign-in failed. It never holds state, code or
// verifier.
type CallbackError struct {
	Kind   error // one of the sentinels above
	Status int   // HTTP status to answer with
	Err    error // what went wrong beneath: *ProviderError, *IDTokenError, ErrStoreUnavailable; may be nil
}

// Error implements error. It is for logs; Message is for users.
func (e *CallbackError) Error() string {
	s := "oauth: sign-in: " + e.Kind.Error()
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Unwrap returns Kind and Err.
func (e *CallbackError) Unwrap() []error {
	if e.Err == nil {
		return []error{e.Kind}
	}
	return []error{e.Kind, e.Err}
}

// failed returns the CallbackError of a kind, with the status that fits.
func failed(kind, err error) *CallbackError {
	e := &CallbackError{Kind: kind, Status: pageOf(kind).status, Err: err}
	if errors.Is(err, ErrStoreUnavailable) || errors.Is(err, ErrClosed) {
		e.Status = http.StatusServiceUnavailable
	}
	return e
}

// Title returns a heading for the user.
func (e *CallbackError) Title() string { return pageOf(e.Kind).title }

// Message returns a sentence or two for the user: what happened and what to do.
func (e *CallbackError) Message() string { return pageOf(e.Kind).message }

// page is what a user gets to see of one kind.
type page struct {
	kind           error
	status         int
	title, message string
}

func pageOf(kind error) page {
	for _, p := range []page{
		{
			ErrDenied, http.StatusForbidden, "You did not allow access",
			"Nothing was shared with this site. You can sign in again whenever you like.",
		},
		{
			ErrNoCreators, http.StatusForbidden, "Nothing was chosen",
			"This site needs at least one experience, account or group to work with. Sign in again and choose one on Roblox's page.",
		},
		{
			ErrCodeExpired, http.StatusBadRequest, "That took too long",
			"Roblox's confirmation is valid for a minute and can be used once. Please sign in again.",
		},
		{
			ErrOtherDevice, http.StatusForbidden, "Your network changed",
			"Roblox saw this sign-in come from two internet addresses. Switch off any VPN or private relay, stay on one network, and sign in again.",
		},
		{
			ErrStateUnknown, http.StatusBadRequest, "This sign-in is not known here",
			"Perhaps it was started long ago, or the link is not complete. Please start again from the site.",
		},
		{
			ErrStateExpired, http.StatusBadRequest, "That took too long",
			"A sign-in has to be finished within ten minutes. Please sign in again.",
		},
		{
			ErrStateUsed, http.StatusConflict, "This sign-in is already done",
			"The page was loaded a second time. Go back to the site: you are probably signed in there.",
		},
		{
			ErrOtherBrowser, http.StatusForbidden, "This sign-in began elsewhere",
			"It was started in another browser or at another address of this site, or cookies are blocked. Please sign in again here, with cookies allowed.",
		},
		{
			ErrBadCallback, http.StatusBadRequest, "This link does not work",
			"It is incomplete or damaged. Please start again from the site.",
		},
	} {
		if errors.Is(kind, p.kind) {
			return p
		}
	}
	return page{
		ErrSignInFailed, http.StatusBadGateway, "Sign-in did not work",
		"Something went wrong between this site and Roblox. Nothing is wrong with your account; please try again in a few minutes.",
	}
}
