package demo

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/rblx-go/opencloud/cmd/rblx/internal/signin"
)

// issuer serves a discovery document with some members changed.
func issuer(t *testing.T, change map[string]any) string {
	t.Helper()
	server := httptest.NewUnstartedServer(nil)
	base := "http://" + server.Listener.Addr().String()
	doc := map[string]any{
		"issuer": base, "authorization_endpoint": base + "/a", "token_endpoint": base + "/t", "jwks_uri": base + "/j",
	}
	for member, value := range change {
		doc[member] = value
		if value == "here" {
			doc[member] = base + "/" + member
		}
	}
	server.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/.well-known/openid-configuration" {
			http.NotFound(w, r)
			return
		}
		if err := json.NewEncoder(w).Encode(doc); err != nil {
			t.Error(err)
		}
	})
	server.Start()
	t.Cleanup(func() { server.Close(); http.DefaultClient.CloseIdleConnections() })
	return base
}

func TestRemote(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		document map[string]any
		config   config
		scopes   []string
		prompt   string
	}{
		"silent":           {nil, config{}, []string{"openid"}, ""},
		"a short list":     {map[string]any{"scopes_supported": []string{"openid", "email"}}, config{}, []string{"openid"}, ""},
		"refresh on offer": {map[string]any{"scopes_supported": []string{"openid", "profile", "offline_access"}}, config{}, []string{"openid", "profile", "offline_access"}, "consent"},
		"like Roblox":      {map[string]any{"scopes_supported": []string{"openid"}, "resources_endpoint": "here"}, config{}, signin.Scopes(), ""},
		"as asked for":     {nil, config{App: signin.App{Scopes: []string{"openid", "other"}}}, []string{"openid", "other"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c.config.ClientID, c.config.Issuer = "1", issuer(t, c.document)
			b, err := remote(t.Context(), c.config)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(b.Scopes, c.scopes) || signin.LoginOptions(b.Scopes).Prompt != c.prompt {
				t.Errorf("scopes %q with prompt %q, want %q with %q", b.Scopes, signin.LoginOptions(b.Scopes).Prompt, c.scopes, c.prompt)
			}
			if b.APIURL != "" {
				t.Errorf("Open Cloud at %s for an issuer that is not Roblox", b.APIURL)
			}
		})
	}
}

// Roblox's endpoints are compiled in: nothing is asked.
func TestRemoteRoblox(t *testing.T) {
	t.Parallel()
	for _, issuer := range []string{"", "https://apis.roblox.com/oauth/"} {
		b, err := remote(t.Context(), config{App: signin.App{ClientID: "1", Issuer: issuer}})
		if err != nil {
			t.Fatal(err)
		}
		if b.Provider != nil || b.APIURL != "https://apis.roblox.com" || !b.offersResources() || !slices.Equal(b.Scopes, signin.Scopes()) {
			t.Errorf("%q: %+v", issuer, b)
		}
	}
}

func TestRemoteNamesWhatIsWrong(t *testing.T) {
	t.Parallel()
	base := issuer(t, map[string]any{"token_endpoint": "https://example.com/t"})
	_, err := remote(t.Context(), config{App: signin.App{ClientID: "1", Issuer: base}})
	if err == nil || !strings.HasPrefix(err.Error(), "ROBLOX_ISSUER: ") || !strings.Contains(err.Error(), "token_endpoint") {
		t.Errorf("%v", err)
	}
}
