package oauth

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"golang.org/x/oauth2"
)

// BenchmarkRoundTrip sets our Transport beside x/oauth2's: a fresh token of
// 900 bytes, three headers of the caller's, a base that does nothing.
func BenchmarkRoundTrip(b *testing.B) {
	ours, r := freshTransport(b)
	theirs := &oauth2.Transport{
		Source: oauth2.ReuseTokenSource(&oauth2.Token{
			AccessToken: strings.Repeat("a", 900), TokenType: "Bearer", Expiry: time.Now().Add(time.Hour),
		}, nil),
		Base: ours.Base,
	}
	for _, c := range []struct {
		name string
		rt   http.RoundTripper
	}{{"opencloud", ours}, {"x-oauth2", theirs}} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_, _ = c.rt.RoundTrip(r) //nolint:bodyclose // http.NoBody
			}
		})
		b.Run(c.name+"-parallel", func(b *testing.B) {
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					_, _ = c.rt.RoundTrip(r) //nolint:bodyclose // http.NoBody
				}
			})
		})
	}
}
