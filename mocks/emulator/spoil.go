package emulator

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
)

// spoil turns a good answer into one of the malformed ones.
func (e *Emulator) spoil(a *answer, kind Kind) {
	body := bytes.Clone(a.body.Bytes())
	switch kind {
	case "":
	case Truncate:
		a.replaceBody(body[:len(body)/2])
	case Cut:
		a.cut = true
	case Stall:
		a.stall = true
	case PlainText:
		a.Header().Set("Content-Type", "text/plain; charset=utf-8")
	case Trailing:
		a.replaceBody(append(body, "\n<!-- served by edge -->"...))
	case ByteOrder:
		a.replaceBody(append([]byte("\ufeff"), body...))
	case Oversize:
		a.replaceBody(append(body, bytes.Repeat([]byte(" "), 2<<20)...))
	default:
		var members map[string]json.RawMessage
		if json.Unmarshal(body, &members) != nil {
			return // an error page has no members to spoil
		}
		if kind == OtherSubject || kind == BadSignature {
			e.spoilIDToken(members, kind)
		} else {
			spoilMembers(members, kind)
		}
		if spoiled, err := json.Marshal(members); err == nil {
			a.replaceBody(spoiled)
		}
	}
}

// spoilMembers changes members of a token answer.
func spoilMembers(m map[string]json.RawMessage, kind Kind) {
	set := func(name, value string) { m[name] = json.RawMessage(value) }
	switch kind {
	case ErrorMember:
		set("error", `"temporarily_unavailable"`)
	case NoAccessToken:
		delete(m, "access_token")
	case NoRefreshToken:
		delete(m, "refresh_token")
	case NoTokenType:
		delete(m, "token_type")
	case NullTokenType:
		set("token_type", `null`)
	case OtherTokenType:
		set("token_type", `"mac"`)
	case NoExpiresIn:
		delete(m, "expires_in")
	case FloatExpiresIn:
		set("expires_in", `899.0`)
	case ExpExpiresIn:
		set("expires_in", `1e3`)
	case StringExpiresIn:
		set("expires_in", `"899"`)
	case EmptyExpiresIn:
		set("expires_in", `""`)
	case ZeroExpiresIn:
		set("expires_in", `0`)
	case NegativeExpiresIn:
		set("expires_in", `-5`)
	case HugeExpiresIn:
		set("expires_in", `99999999999999999999`)
	case ShrunkScope:
		set("scope", `"openid"`)
	case NoScope:
		delete(m, "scope")
	}
}

// spoilIDToken signs the ID token anew for another account, or breaks its signature.
func (e *Emulator) spoilIDToken(m map[string]json.RawMessage, kind Kind) {
	var token string
	if json.Unmarshal(m["id_token"], &token) != nil {
		return
	}
	if kind == BadSignature {
		token = flipSignature(token)
	} else {
		token = e.signer.resign(token, func(claims map[string]any) {
			other := "156"
			if claims["sub"] == other {
				other = "257"
			}
			claims["sub"] = other
		})
	}
	m["id_token"] = json.RawMessage(strconv.Quote(token))
}

// flipSignature changes the first character of a token's signature.
func flipSignature(token string) string {
	dot := strings.LastIndexByte(token, '.')
	if dot < 0 || dot+1 == len(token) {
		return token
	}
	other := "A"
	if token[dot+1] == 'A' {
		other = "B"
	}
	return token[:dot+1] + other + token[dot+2:]
}
