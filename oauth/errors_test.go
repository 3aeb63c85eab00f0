package oauth

import (
	"errors"
	"fmt"
	"testing"
)

// One question tells a caller to send the user to sign in again.
func TestErrNeedsReauthIsAllThatEndsAGrant(t *testing.T) {
	t.Parallel()
	for err, want := range map[error]bool{
		&ReauthError{Reason: ReasonRevoked}: true,
		ErrRevoked:                          true,
		ErrNoGrant:                          true,
		ErrInDoubt:                          false,
		ErrStoreUnavailable:                 false,
		ErrProviderDown:                     false,
		ErrCorruptRow:                       false,
		ErrUnknownKey:                       false,
		ErrClosed:                           false,
	} {
		if got := errors.Is(fmt.Errorf("oauth: %w", err), ErrNeedsReauth); got != want {
			t.Errorf("%v: %v, want %v", err, got, want)
		}
	}
	if errors.Is(ErrRevoked, ErrNoGrant) || errors.Is(ErrNoGrant, ErrRevoked) || errors.Is(ErrNeedsReauth, ErrRevoked) {
		t.Error("ErrRevoked and ErrNoGrant are one")
	}
}
