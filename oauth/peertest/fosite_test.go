package peertest

import (
	"testing"

	"golang.org/x/oauth2"
)

// Two processes of 200 goroutines on one grant of fosite's, over each store: it
// never sees a refresh token twice.
func TestFosite(t *testing.T) {
	t.Parallel()
	for _, store := range []string{"file", "sqlite", "postgres", "redis"} { //nolint:paralleltest // each is to have the machine
		t.Run(store, func(t *testing.T) {
			server := startFosite(t)
			r := soak(t, server.url, append([]string{"--store", store}, storeURL(t, store)...)...)
			if redeemed, replays := server.store.counts(); redeemed != r.Refreshes || replays != 0 {
				t.Errorf("%d refresh tokens were redeemed for %d refreshes, %d replays", redeemed, r.Refreshes, replays)
			}
		})
	}
}

// What others do loses the same grant when the first access token expires.
func TestFositeWithXOAuth2(t *testing.T) {
	t.Parallel()
	server := startFosite(t)
	loseWithXOAuth2(t, server.url+"/userinfo", &oauth2.Config{
		ClientID: clientID, ClientSecret: clientSecret, RedirectURL: redirectURL, Scopes: []string{"openid"},
		Endpoint: oauth2.Endpoint{
			AuthURL: server.url + "/authorize", TokenURL: server.url + "/token", AuthStyle: oauth2.AuthStyleInHeader,
		},
	})
	if _, replays := server.store.counts(); replays == 0 {
		t.Error("no refresh token came twice: this server is not strict, and proves nothing")
	}
}
