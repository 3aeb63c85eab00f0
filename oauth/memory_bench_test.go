package oauth_test

import (
	"testing"

	"github.com/rblx-go/opencloud/oauth"
	"github.com/rblx-go/opencloud/oauth/storetest"
)

func BenchmarkStore(b *testing.B) { storetest.Benchmark(b, oauth.NewMemoryStore()) }
