package oauth

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestNewNamesTheField(t *testing.T) {
	t.Parallel()
	good := Config{ClientID: "1", ClientSecret: "canary", RedirectURL: "https://example.com/cb", Scopes: []string{"openid"}, Store: NewMemoryStore()}
	if _, err := New(good); err != nil {
		t.Fatal(err)
	}
	type storeOnly struct{ Store }
	for _, c := range []struct {
		want string
		edit func(*Config)
	}{
		{"ClientID", func(c *Config) { c.ClientID = "" }},
		{"ClientID", func(c *Config) { c.ClientID = "1\n" }},
		{"ClientSecret", func(c *Config) { c.ClientSecret = "canary\n" }},
		{"ClientSecret", func(c *Config) { c.ClientSecret = " canary" }},
		{"RedirectURL", func(c *Config) { c.RedirectURL = "" }},
		{"RedirectURL", func(c *Config) { c.RedirectURL = "/callback" }},
		{"RedirectURL", func(c *Config) { c.RedirectURL = "http://example.com/cb" }},
		{"RedirectURL", func(c *Config) { c.RedirectURL = "https://example.com/cb#x" }},
		{"RedirectURL", func(c *Config) { c.RedirectURL = "https://me:canary@example.com/cb" }},
		{"RedirectURL", func(c *Config) { c.RedirectURL = "https://example.com/" + strings.Repeat("x", 256) }},
		{"Scopes", func(c *Config) { c.Scopes = nil }},
		{"Scopes", func(c *Config) { c.Scopes = []string{"openid profile"} }},
		{"Scopes", func(c *Config) { c.Scopes = []string{""} }},
		{"Store", func(c *Config) { c.Store = nil }},
		{"Flows", func(c *Config) { c.Store = storeOnly{NewMemoryStore()} }},
		{"FlowsInCookies", func(c *Config) { c.FlowsInCookies = true }},
		{"AcceptUnsealed", func(c *Config) { c.AcceptUnsealed = true }},
		{"Provider", func(c *Config) { c.Provider = &Provider{} }},
		{"Provider", func(c *Config) { p := Roblox(); p.TokenURL = "http://apis.roblox.com/token"; c.Provider = &p }},
		{"SendBudget", func(c *Config) { c.SendBudget = -time.Second }},
		{"DrainMargin", func(c *Config) { c.SendBudget, c.DrainMargin = time.Minute, time.Second }},
		{"Origins", func(c *Config) { c.Origins = []string{"http://example.com"} }},
	} {
		config := good
		config.HTTPClient = &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
			t.Error("New sent a request to", r.URL.Host)
			return nil, errCut
		})}
		c.edit(&config)
		_, err := New(config)
		if err == nil || !strings.HasPrefix(err.Error(), "oauth: Config."+c.want+": ") || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: %v", c.want, err)
		}
	}
	for _, url := range []string{"http://localhost:3000/cb", "http://127.0.0.1/cb", "http://[::1]:1/cb", "com.example.app:/cb", "myapp://cb"} {
		config := good
		config.RedirectURL = url
		if _, err := New(config); err != nil {
			t.Error(url, err)
		}
	}
}

func TestSecretsDoNotFormat(t *testing.T) {
	t.Parallel()
	config := Config{ClientID: "visible", ClientSecret: "canary", RedirectURL: "https://example.com/cb", Scopes: []string{"openid"}, Store: NewMemoryStore()}
	app, err := New(config)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range []any{Secret("canary"), config, &config, app, *app.Grant(NewGrantID()), tokens{Refresh: "canary"}, flowSecrets{Nonce: "canary"}} {
		text := fmt.Sprintf("%v %+v %#v %s %q %x", v, v, v, v, v, v)
		if strings.Contains(text, "canary") || strings.Contains(text, fmt.Sprintf("%x", "canary")) {
			t.Errorf("%T shows its secret: %s", v, text)
		}
	}
	if text := fmt.Sprint(config, app); !strings.Contains(text, "visible") {
		t.Error("the scan is blind:", text)
	}
}
