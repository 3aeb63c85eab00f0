package oauth

import (
	"net/url"
	"strings"
	"testing"
	"unicode"
)

func TestReturnPath(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"/":                                    "/",
		"/me":                                  "/me",
		"/me/":                                 "/me/",
		"/me?tab=1&q=a%20b":                    "/me?tab=1&q=a%20b",
		"/docs#top":                            "/docs#top",
		"/files/a%2Fb":                         "/files/a%2Fb",
		"/straße":                              "/stra%C3%9Fe",
		"/go?to=https://evil.test/":            "/go?to=https://evil.test/",
		"":                                     "/",
		"me":                                   "/",
		"?a":                                   "/",
		"//evil.test":                          "/",
		"///evil.test":                         "/",
		"/\\evil.test":                         "/",
		"\\\\evil.test":                        "/",
		"/a\\b":                                "/",
		"/%5Cevil.test":                        "/",
		"/%2f%2fevil.test":                     "/",
		"/%2fevil.test":                        "/",
		"/.//evil.test":                        "/",
		"/a/..//evil.test":                     "/",
		"/../x":                                "/",
		"/%2e%2e//evil.test":                   "/",
		"https://evil.test":                    "/",
		"https:/evil.test":                     "/",
		"javascript:alert(1)":                  "/",
		"data:text/html,x":                     "/",
		"user@evil.test":                       "/",
		"/a\r\nSet-Cookie: x":                  "/",
		"/a%0d%0aSet-Cookie:%20x":              "/",
		"/a?b=%0d%0aSet-Cookie:x":              "/",
		"/a?b=%zz":                             "/",
		"/a\x00":                               "/",
		"/\t/evil.test":                        "/",
		"/%ff":                                 "/",
		" /a":                                  "/",
		"/" + strings.Repeat("a", maxReturnTo): "/",
	} {
		if got := returnPath(in); got != want {
			t.Errorf("returnPath(%q) = %q, want %q", in, got, want)
		}
	}
}

func FuzzReturnPath(f *testing.F) {
	for _, s := range []string{"/a/b?c=d#e", "//evil.test", "/\\evil.test", "/%2f%2fevil.test", "/a/..//evil.test", "https://evil.test/", "/a%0d%0ab"} {
		f.Add(s)
	}
	base := &url.URL{Scheme: "https", Host: "app.test", Path: "/callback"}
	f.Fuzz(func(t *testing.T, s string) {
		got := returnPath(s)
		u, err := base.Parse(got)
		if err != nil || u.Scheme != "https" || u.Host != "app.test" || u.User != nil {
			t.Fatalf("returnPath(%q) = %q leads to %v (%v)", s, got, u, err)
		}
		if got[0] != '/' || (len(got) > 1 && (got[1] == '/' || got[1] == '\\')) || strings.ContainsFunc(got, unicode.IsControl) || strings.Contains(got, "\\") {
			t.Fatalf("returnPath(%q) = %q", s, got)
		}
		if again := returnPath(got); again != got && len(got) <= maxReturnTo {
			t.Fatalf("returnPath(%q) = %q, and of that %q", s, got, again)
		}
	})
}
