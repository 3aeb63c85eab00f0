package transport_test

import (
	"net/url"
	"testing"

	"github.com/rblx-go/opencloud/transport"
)

func TestParseOriginsRefuses(t *testing.T) {
	t.Parallel()
	for _, s := range []string{
		"", "apis.roblox.com", "https://", "https://:443", "http://apis.roblox.com", "http://127.0.0.2",
		"http://localhost.example.com", "ftp://localhost", "https://user:pw@apis.roblox.com", "https://apis.roblox.com/cloud",
		"https://apis.roblox.com?x=1", "https://apis.roblox.com#x", "https://apis.roblox.com:port", "//apis.roblox.com",
	} {
		if _, err := transport.ParseOrigins("https://apis.roblox.com", s); err == nil {
			t.Errorf("ParseOrigins(%q) accepted it", s)
		}
	}
}

func TestOriginsAllows(t *testing.T) {
	t.Parallel()
	set, err := transport.ParseOrigins("https://apis.roblox.com/", "HTTPS://Thumbnails.roblox.com:443", "http://127.0.0.1:8080", "http://[::1]:9", "https://[2001:db8::1]")
	if err != nil {
		t.Fatal(err)
	}
	for s, want := range map[string]bool{
		"https://apis.roblox.com/cloud/v2/users/1?x=y": true,
		"https://apis.roblox.com:443/":                 true,
		"https://APIS.Roblox.com/":                     true,
		"https://thumbnails.roblox.com/v1":             true,
		"http://127.0.0.1:8080/x":                      true,
		"http://[::1]:9/x":                             true,
		"https://[2001:db8::1]/":                       true,
		"https://[2001:DB8::1]:443/":                   true,
		"http://apis.roblox.com/":                      false,
		"http://apis.roblox.com:443/":                  false,
		"https://apis.roblox.com:80/":                  false,
		"https://apis.roblox.com:8443/":                false,
		"https://apis.roblox.com./":                    false,
		"https://apis.roblox.com.evil.example/":        false,
		"https://evil.example/apis.roblox.com":         false,
		"https://apis.roblox.com@evil.example/":        false,
		"https://roblox.com/":                          false,
		"http://127.0.0.1:8081/":                       false,
		"http://localhost:8080/":                       false,
		"https://127.0.0.1:8080/":                      false,
		"/cloud/v2":                                    false,
	} {
		u, err := url.Parse(s)
		if err != nil {
			t.Fatal(err)
		}
		if got := set.Allows(u); got != want {
			t.Errorf("Allows(%s) = %v, want %v", s, got, want)
		}
	}
	if set.Allows(nil) || (transport.Origins{}).Allows(&url.URL{}) {
		t.Error("nil, or the empty set, allows something")
	}
}
