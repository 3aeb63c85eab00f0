package demo

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/rblx-go/opencloud"
	"github.com/rblx-go/opencloud/oauth"
)

func TestExplain(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		err  error
		want string
	}{
		{fmt.Errorf("x: %w", oauth.ErrRevoked), "signed out"},
		{&oauth.ReauthError{Reason: oauth.ReasonLostInFlight}, "lost on its way"},
		{&oauth.ReauthError{Reason: oauth.ReasonRevoked}, "ended on the other side"},
		{fmt.Errorf("the disk is full: %w", oauth.ErrStoreUnavailable), "cannot be saved, so none was renewed: the disk is full"},
		{&oauth.ProviderError{Endpoint: "userinfo", Err: oauth.ErrNotOffered}, "does not offer"},
		{&opencloud.Error{Status: 404}, "no such thing"},
		{&opencloud.Error{Status: 403}, "does not cover"},
		{&opencloud.Error{Status: 401}, "was not accepted"},
		{&opencloud.Error{Status: 400, Message: "The topic is too long."}, "It was refused: The topic is too long."},
		{&opencloud.Error{Status: 429, RetryAfter: 90 * time.Second}, "Try again in 1m30s."},
		{&opencloud.Error{Status: 429}, "in a minute"},
		{errors.New("a surprise"), "That did not work: a surprise."},
	} {
		if got := explain(c.err); !strings.Contains(got, c.want) {
			t.Errorf("%v is explained as %q, which lacks %q", c.err, got, c.want)
		}
	}
}
