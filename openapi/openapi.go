// Package openapi holds the descriptions that the clients are generated from,
// for programs that check or answer requests by them.
package openapi

import "embed"

//go:embed *.yaml
var files embed.FS

// OAuth returns the OpenAPI description of Roblox's OAuth 2.0 endpoints, as
// YAML. It is written by hand.
func OAuth() []byte { return read("oauth.yaml") }

// OpenCloud returns the OpenAPI description of the operations that the module
// has clients for, as YAML. It is what rblxgen import makes of Roblox's
// document, without the corrections of Overlay.
func OpenCloud() []byte { return read("opencloud.yaml") }

// Overlay returns what is laid over OpenCloud before Go is generated, as YAML.
func Overlay() []byte { return read("overlay.yaml") }

func read(name string) []byte {
	text, err := files.ReadFile(name)
	if err != nil {
		panic(err) // the file is embedded above
	}
	return text
}
