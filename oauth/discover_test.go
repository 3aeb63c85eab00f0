package oauth_test

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/oauth2"

	"github.com/rblx-go/opencloud/oauth"
)

const wellKnown = "/oauth/.well-known/openid-configuration"

func discoveryDocument() map[string]any {
	return map[string]any{
		"issuer":                                idpIssuer,
		"authorization_endpoint":                idpIssuer + "v1/authorize",
		"token_endpoint":                        idpIssuer + "v1/token",
		"jwks_uri":                              idpIssuer + "v1/certs",
		"userinfo_endpoint":                     idpIssuer + "v1/userinfo",
		"introspection_endpoint":                idpIssuer + "v1/token/introspect",
		"revocation_endpoint":                   idpIssuer + "v1/token/revoke",
		"resources_endpoint":                    idpIssuer + "v1/token/resources",
		"token_endpoint_auth_methods_supported": []string{"client_secret_post", "client_secret_basic"},
	}
}

func discover(t *testing.T, issuer string, h http.HandlerFunc) (*oauth.Provider, error) {
	t.Helper()
	client := &http.Client{Transport: web{"provider.test": h, "localhost:8080": h}}
	return oauth.Discover(context.WithValue(t.Context(), oauth2.HTTPClient, client), issuer)
}

func TestDiscover(t *testing.T) {
	t.Parallel()
	doc := discoveryDocument()
	got, err := discover(t, idpIssuer, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != wellKnown || r.Method != http.MethodGet {
			t.Errorf("%s %s", r.Method, r.URL.Path)
		}
		_ = json.NewEncoder(w).Encode(doc)
	})
	if err != nil {
		t.Fatal(err)
	}
	want := newIDP(t).provider()
	want.UserInfoURL, want.IntrospectionURL = idpIssuer+"v1/userinfo", idpIssuer+"v1/token/introspect"
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("provider (-want +got):\n%s", d)
	}
}

func TestDiscoverRobloxAsksNobody(t *testing.T) {
	t.Parallel()
	got, err := oauth.Discover(context.WithValue(t.Context(), oauth2.HTTPClient, &http.Client{Transport: web{}}), "https://apis.roblox.com/oauth/")
	if err != nil || *got != oauth.Roblox() {
		t.Errorf("provider %+v, error %v", got, err)
	}
}

func TestDiscoverDocuments(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		issuer string // "" is idpIssuer
		change map[string]any
		want   string // in the error; "" if there is none
	}{
		"optional ones missing":       {change: map[string]any{"userinfo_endpoint": nil, "introspection_endpoint": nil, "revocation_endpoint": nil, "resources_endpoint": nil}},
		"default port spelled out":    {change: map[string]any{"token_endpoint": "https://PROVIDER.test:443/oauth/v1/token"}},
		"loopback":                    {issuer: "http://localhost:8080/oauth", change: loopbackDocument()},
		"no issuer":                   {change: map[string]any{"issuer": nil}, want: "issuer"},
		"issuer without slash":        {change: map[string]any{"issuer": strings.TrimSuffix(idpIssuer, "/")}, want: "issuer"},
		"asked for without slash":     {issuer: strings.TrimSuffix(idpIssuer, "/"), want: "issuer"},
		"token on another host":       {change: map[string]any{"token_endpoint": "https://evil.test/token"}, want: "token_endpoint"},
		"token on a subdomain":        {change: map[string]any{"token_endpoint": "https://a.provider.test/token"}, want: "token_endpoint"},
		"userinfo on another port":    {change: map[string]any{"userinfo_endpoint": "https://provider.test:8443/u"}, want: "userinfo_endpoint"},
		"http":                        {change: map[string]any{"jwks_uri": "http://provider.test/certs"}, want: "jwks_uri"},
		"user in URL":                 {change: map[string]any{"revocation_endpoint": "https://provider.test@evil.test/"}, want: "revocation_endpoint"},
		"fragment":                    {change: map[string]any{"resources_endpoint": idpIssuer + "#x"}, want: "resources_endpoint"},
		"relative":                    {change: map[string]any{"introspection_endpoint": "/v1/token/introspect"}, want: "introspection_endpoint"},
		"no authorization":            {change: map[string]any{"authorization_endpoint": nil}, want: "authorization_endpoint"},
		"no token":                    {change: map[string]any{"token_endpoint": nil}, want: "token_endpoint"},
		"no keys":                     {change: map[string]any{"jwks_uri": nil}, want: "jwks_uri"},
		"wrong type":                  {change: map[string]any{"token_endpoint": 7}, want: "token_endpoint"},
		"issuer is http":              {issuer: "http://provider.test/oauth/", want: "issuer"},
		"issuer is empty":             {issuer: " ", want: "issuer"},
		"issuer has a query":          {issuer: "https://provider.test/oauth/?a=b", want: "issuer"},
		"another loopback with https": {issuer: "http://localhost.evil.test/", want: "issuer"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			doc := discoveryDocument()
			maps.Copy(doc, c.change)
			issuer := c.issuer
			if issuer == "" {
				issuer = idpIssuer
			}
			_, err := discover(t, issuer, func(w http.ResponseWriter, _ *http.Request) { _ = json.NewEncoder(w).Encode(doc) })
			switch {
			case c.want == "" && err != nil:
				t.Errorf("refused: %v", err)
			case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
				t.Errorf("error %v does not name %s", err, c.want)
			}
		})
	}
}

func loopbackDocument() map[string]any {
	doc := discoveryDocument()
	for name, v := range doc {
		if s, ok := v.(string); ok {
			doc[name] = strings.Replace(s, "https://provider.test", "http://localhost:8080", 1)
		}
	}
	doc["issuer"] = "http://localhost:8080/oauth"
	return doc
}

func TestDiscoverAnswers(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		want   string
	}{
		"redirect": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://provider.test/x", http.StatusFound)
		}, "answered 302"},
		"404":  {http.NotFound, "answered 404"},
		"HTML": {serve([]byte("<html>")), "discovery document"},
		"huge": {serve([]byte(strings.Repeat(" ", 1<<20+1))), "more than"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := discover(t, idpIssuer, c.answer); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one with %q", err, c.want)
			}
		})
	}
}

func TestDiscoverClientAuthentication(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		methods any
		basic   bool
	}{
		"post":             {[]string{"client_secret_post"}, false},
		"both":             {[]string{"client_secret_basic", "client_secret_post"}, false},
		"basic":            {[]string{"client_secret_basic"}, true},
		"silence is basic": {nil, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			doc := discoveryDocument()
			doc["token_endpoint_auth_methods_supported"] = c.methods
			p, err := discover(t, idpIssuer, func(w http.ResponseWriter, _ *http.Request) { _ = json.NewEncoder(w).Encode(doc) })
			if err != nil || p.BasicAuth != c.basic {
				t.Errorf("BasicAuth of %+v (%v), want %v", p, err, c.basic)
			}
		})
	}
}

func TestProviderIsChecked(t *testing.T) {
	t.Parallel()
	p := newIDP(t)
	for name, change := range map[string]func(*oauth.Provider){
		"Issuer":           func(p *oauth.Provider) { p.Issuer = "" },
		"AuthorizationURL": func(p *oauth.Provider) { p.AuthorizationURL = "provider.test/authorize" },
		"TokenURL":         func(p *oauth.Provider) { p.TokenURL = "http://provider.test/token" },
		"JWKSURL":          func(p *oauth.Provider) { p.JWKSURL = "" },
		"UserInfoURL":      func(p *oauth.Provider) { p.UserInfoURL = "https://u:p@provider.test/" },
		"RevocationURL":    func(p *oauth.Provider) { p.RevocationURL = "https://provider.test/#" },
	} {
		provider := p.provider()
		change(provider)
		_, err := oauth.New(oauth.Config{
			ClientID: clientID, RedirectURL: siteURL + "/callback", Scopes: []string{"openid"},
			Store: oauth.NewMemoryStore(), Provider: provider,
		})
		if err == nil || !strings.HasPrefix(err.Error(), "oauth: Config.Provider: "+name+": ") {
			t.Errorf("error %v does not name %s", err, name)
		}
	}
}
