package peertest

import (
	"cmp"
	"net"
	"net/url"
	"os"
	"testing"
)

// storeURL is what rblx soak needs to know of a store whose server is elsewhere.
// Without the server the test is skipped.
func storeURL(t *testing.T, kind string) []string {
	t.Helper()
	var u *url.URL
	switch kind {
	case "postgres":
		u = server(t, "RBLX_TEST_POSTGRES", "postgres://postgres@127.0.0.1:5432/test", "search_path")
	case "redis":
		u = server(t, "RBLX_TEST_REDIS", "redis://127.0.0.1:6379", "prefix")
	default:
		return nil
	}
	return []string{"--store-url", u.String()}
}

// server is the URL in a variable or the usual one, with a place for these tests
// alone.
func server(t *testing.T, variable, usual, place string) *url.URL {
	t.Helper()
	u, err := url.Parse(cmp.Or(os.Getenv(variable), usual))
	if err != nil {
		t.Fatalf("%s: %v", variable, err)
	}
	conn, err := net.Dial("tcp", u.Host) //nolint:noctx // to this machine
	if err != nil {
		if os.Getenv("RBLX_REQUIRE") == "1" {
			t.Fatalf("needs the server of %s: %v", variable, err)
		}
		t.Skipf("needs the server of %s: %v", variable, err) //nolint:forbidigo // a machine without it has the other stores
	}
	_ = conn.Close()
	query := u.Query()
	query.Set(place, "peertest")
	u.RawQuery = query.Encode()
	return u
}
