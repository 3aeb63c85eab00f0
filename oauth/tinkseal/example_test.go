package tinkseal_test

import (
	"bytes"
	"context"
	"log"
	"os"
	"strings"

	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/tink"

	"github.com/rblx-go/opencloud/oauth"
	"github.com/rblx-go/opencloud/oauth/tinkseal"
)

// A keyset in a file, made by `rblx keyset create`.
func ExampleOpen() {
	sealer, err := tinkseal.Open("/etc/mysite/keyset.json")
	if err != nil {
		log.Fatal(err)
	}
	_ = oauth.Config{Sealer: sealer}
}

// A keyset in the environment.
func ExampleRead() {
	sealer, err := tinkseal.Read(strings.NewReader(os.Getenv("MYSITE_KEYSET")))
	if err != nil {
		log.Fatal(err)
	}
	_ = oauth.Config{Sealer: sealer}
}

// A keyset that a key management service unwraps: its Tink client has the AEAD.
func ExampleNew() {
	var (
		ctx     context.Context
		service tink.AEADWithContext
		wrapped []byte // what tinkey create-keyset --master-key-uri has written
	)
	handle, err := keyset.ReadWithContext(ctx, keyset.NewJSONReader(bytes.NewReader(wrapped)), service, nil)
	if err != nil {
		log.Fatal(err)
	}
	sealer, err := tinkseal.New(handle)
	if err != nil {
		log.Fatal(err)
	}
	_ = oauth.Config{Sealer: sealer}
}
