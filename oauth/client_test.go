package oauth_test

import (
	"strings"
	"testing"

	"github.com/rblx-go/opencloud"
	"github.com/rblx-go/opencloud/api/users"
	"github.com/rblx-go/opencloud/oauth"
)

// The client for all users has a credential, and brings it to a typed client
// that has none of its own.
func TestAppClientBeneathATypedClient(t *testing.T) {
	t.Parallel()
	s := newSite(t, newIDP(t), oauth.LoginOptions{})
	rbx, err := opencloud.New(opencloud.Options{HTTPClient: s.Client()})
	if err != nil {
		t.Fatal(err)
	}
	view := rbx.As(s.Grant(oauth.NewGrantID())) // which is one credential too many
	if _, err := users.New(view).GetUser(t.Context(), "156"); err == nil || !strings.Contains(err.Error(), "credential") {
		t.Error(err)
	}
}
