package demo

import "testing"

func TestPictureURL(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{
		"https://tr.rbxcdn.com/a.png":   "https://tr.rbxcdn.com/a.png",
		"http://127.0.0.1:8080/a.png":   "http://127.0.0.1:8080/a.png",
		"http://example.com/a.png":      "",
		"javascript:alert(1)":           "",
		"https://a;sandbox/a.png":       "",
		"https://a,default-src/a.png":   "",
		"https://example.com/a;b,c.png": "https://example.com/a;b,c.png",
		"/a.png":                        "",
		"":                              "",
	} {
		if got := pictureURL(raw); got != want {
			t.Errorf("pictureURL(%q) = %q, want %q", raw, got, want)
		}
	}
}
