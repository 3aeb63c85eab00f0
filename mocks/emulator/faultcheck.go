package emulator

import (
	"fmt"
	"slices"
)

func endpoints() []Endpoint {
	return []Endpoint{
		EndpointAuthorize, EndpointConsent, EndpointToken, EndpointIntrospect, EndpointResources, EndpointRevoke,
		EndpointUserInfo, EndpointDiscovery, EndpointCerts, EndpointCloud,
	}
}

func kinds() []Kind {
	return []Kind{
		Drop, Reset, Status, Redirect, HTML,
		Truncate, Cut, Stall, PlainText, Trailing, ByteOrder, Oversize, ErrorMember,
		NoAccessToken, NoRefreshToken, NoTokenType, NullTokenType, OtherTokenType,
		NoExpiresIn, FloatExpiresIn, ExpExpiresIn, StringExpiresIn, EmptyExpiresIn, ZeroExpiresIn, NegativeExpiresIn, HugeExpiresIn,
		OtherSubject, BadSignature, ShrunkScope, NoScope,
	}
}

// check refuses names that are misspelt: such a fault would never strike, and
// the test that asked for it would pass.
func (f Fault) check() error {
	switch {
	case f.Endpoint != "" && !slices.Contains(endpoints(), f.Endpoint):
		return fmt.Errorf("there is no endpoint %q, but %q", f.Endpoint, endpoints())
	case f.Kind != "" && !slices.Contains(kinds(), f.Kind):
		return fmt.Errorf("there is no kind %q, but %q", f.Kind, kinds())
	}
	return nil
}
