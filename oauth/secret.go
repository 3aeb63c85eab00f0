package oauth

import "github.com/rblx-go/opencloud/api/oauthv1"

// Secret is a string that no formatting verb, logger or encoder prints.
// Convert it back with string(s) where it is really needed.
type Secret = oauthv1.Secret

const redacted = "[redacted]"
