package oauthv1_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rblx-go/opencloud"
	"github.com/rblx-go/opencloud/api/oauthv1"
	"github.com/rblx-go/opencloud/mocks/emulatortest"
	"github.com/rblx-go/opencloud/transport"
)

// bearer attaches a fixed token.
type bearer string

func (bearer) CredentialID() string { return "fixed" }

func (b bearer) RoundTripper(base http.RoundTripper, allowed transport.Origins) http.RoundTripper {
	return roundTripper(func(r *http.Request) (*http.Response, error) {
		if allowed.Allows(r.URL) {
			r = r.Clone(r.Context())
			r.Header.Set("Authorization", "Bearer "+string(b))
		}
		return base.RoundTrip(r)
	})
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestCallsOnTheWire(t *testing.T) {
	t.Parallel()
	form := oauthv1.TokenForm{Token: "a+b/c=", ClientID: "app", ClientSecret: "s&t"}
	const encoded = "client_id=app&client_secret=s%26t&token=a%2Bb%2Fc%3D"
	for _, row := range []struct {
		name, request, body, answer string
		call                        func(context.Context, *oauthv1.Client) (any, error)
		want                        any
	}{
		{"Introspect", "POST /oauth/v1/token/introspect", encoded, `{"active":true,"scope":"openid","exp":1700000000}`,
			func(ctx context.Context, c *oauthv1.Client) (any, error) { return c.Introspect(ctx, form) },
			&oauthv1.Introspection{Active: true, Scope: "openid", Exp: 1700000000}},
		{"Resources", "POST /oauth/v1/token/resources", encoded, `{"resource_infos":[]}`,
			func(ctx context.Context, c *oauthv1.Client) (any, error) { return c.Resources(ctx, form) },
			&oauthv1.Resources{ResourceInfos: []oauthv1.ResourceInfo{}}},
		{"Revoke", "POST /oauth/v1/token/revoke", "client_id=app&token=t", ``,
			func(ctx context.Context, c *oauthv1.Client) (any, error) {
				return nil, c.Revoke(ctx, oauthv1.TokenForm{Token: "t", ClientID: "app"})
			}, nil},
		{"UserInfo", "GET /oauth/v1/userinfo", "", `{"sub":"156","picture":null}`,
			func(ctx context.Context, c *oauthv1.Client) (any, error) { return c.UserInfo(ctx) }, &oauthv1.UserInfo{Sub: "156"}},
		{"Certs", "GET /oauth/v1/certs", "", `{"keys":[{"kid":"k"}]}`,
			func(ctx context.Context, c *oauthv1.Client) (any, error) { return c.Certs(ctx) },
			&oauthv1.KeySet{Keys: []oauthv1.Key{{Kid: "k"}}}},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				body, err := io.ReadAll(r.Body)
				if got := r.Method + " " + r.URL.RequestURI(); err != nil || got != row.request || string(body) != row.body {
					t.Errorf("sent %s %s, want %s %s (%v)", got, body, row.request, row.body, err)
				}
				if kind := r.Header.Get("Content-Type"); row.body != "" && kind != "application/x-www-form-urlencoded" {
					t.Errorf("Content-Type %q", kind)
				}
				if got := r.Header.Get("Authorization"); row.name == "UserInfo" && got != "Bearer token" {
					t.Errorf("Authorization %q", got)
				}
				_, _ = io.WriteString(w, row.answer)
			}))
			t.Cleanup(server.Close)
			core, err := opencloud.New(opencloud.Options{BaseURL: server.URL, Credential: bearer("token"), HTTPClient: server.Client()})
			if err != nil {
				t.Fatal(err)
			}
			got, err := row.call(t.Context(), oauthv1.New(core))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(row.want, got); diff != "" {
				t.Errorf("decoded (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAgainstTheEmulator(t *testing.T) {
	t.Parallel()
	emu := emulatortest.Start(t)
	core, err := opencloud.New(opencloud.Options{BaseURL: emu.URL})
	if err != nil {
		t.Fatal(err)
	}
	c := oauthv1.New(core)
	about, err := c.Discovery(t.Context())
	if err != nil || about.Issuer != emu.URL+"/oauth/" || !strings.HasSuffix(about.JWKSURI, "/oauth/v1/certs") || about.ResourcesEndpoint == "" {
		t.Errorf("%+v, %v", about, err)
	}
	keys, err := c.Certs(t.Context())
	if err != nil || len(keys.Keys) == 0 || keys.Keys[0].Kty != "EC" || keys.Keys[0].Crv != "P-256" || keys.Keys[0].X == "" {
		t.Errorf("%+v, %v", keys, err)
	}
}
