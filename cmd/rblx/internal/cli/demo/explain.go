package demo

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/rblx-go/opencloud"
	"github.com/rblx-go/opencloud/oauth"
)

// explain says in a sentence what went wrong and, where it helps, what to do.
func explain(err error) string {
	for _, known := range []struct {
		is   error
		said string
	}{
		{oauth.ErrRevoked, "You have signed out, so this authorization is gone."},
		{oauth.ErrNoGrant, "This authorization is not known here any more. Please sign in again."},
		{oauth.ErrInDoubt, "A renewal was sent and never answered. It is tried again as soon as that is safe."},
		{oauth.ErrNotOffered, "The issuer does not offer that."},
		{oauth.ErrClosed, "The demo is shutting down."},
		{opencloud.ErrNotFound, "There is no such thing."},
		{opencloud.ErrUnauthenticated, "The credential was not accepted, or it lacks a scope."},
		{opencloud.ErrPermissionDenied, "The credential does not cover this. Sign in again and choose the experience, or use an API key that includes it."},
		{opencloud.ErrConflict, "Somebody else changed it in the meantime. Read it again and retry."},
		{context.DeadlineExceeded, "There was no answer in time."},
	} {
		if errors.Is(err, known.is) {
			return known.said
		}
	}
	if lost, ok := errors.AsType[*oauth.ReauthError](err); ok {
		switch lost.Reason {
		case oauth.ReasonLostInFlight:
			return "The answer to a renewal was lost on its way, and the only refresh token with it. Please sign in again."
		default:
			return "The authorization has ended on the other side. Please sign in again."
		}
	}
	if errors.Is(err, oauth.ErrStoreUnavailable) {
		return fmt.Sprintf("Tokens cannot be saved, so none was renewed: %v.", err)
	}
	if refused, ok := errors.AsType[*opencloud.Error](err); ok {
		switch {
		case errors.Is(err, opencloud.ErrRateLimited) && refused.RetryAfter > 0:
			return fmt.Sprintf("Too many calls. Try again in %v.", refused.RetryAfter.Round(time.Second))
		case errors.Is(err, opencloud.ErrRateLimited):
			return "Too many calls. Try again in a minute."
		case errors.Is(err, opencloud.ErrInvalidArgument) && refused.Message != "":
			return "It was refused: " + refused.Message
		}
	}
	return fmt.Sprintf("That did not work: %v.", err)
}
