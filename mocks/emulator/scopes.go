package emulator

import "strings"

// scopeText says what an app may do with a scope, for the consent page; ok is
// false for a scope that Roblox does not have.
func scopeText(scope string) (text string, ok bool) {
	switch scope {
	case "openid":
		return "Know which account you are", true
	case "profile":
		return "See your name and picture", true
	case "universe-messaging-service:publish":
		return "Send messages to your running experiences", true
	case "group:read":
		return "Read your communities", true
	case "group:write":
		return "Change your communities", true
	case "asset:read":
		return "Read your assets", true
	case "asset:write":
		return "Create and change your assets", true
	case "user.advanced:read":
		return "See whether you are premium and verified", true
	case "user.social:read":
		return "See your profiles on other networks", true
	case "universe:read":
		return "Read your experiences", true
	case "universe:write":
		return "Change your experiences", true
	case "creator-store-product:read", "creator-store-product:write", "creator-store-save:read", "creator-store-save:write",
		"ad.billing:read", "ad.campaign:read", "ad.campaign:write",
		"developer-product:read", "developer-product:write", "game-pass:read", "game-pass:write", "group-forum:read",
		"legacy-asset:manage", "legacy-badge:manage", "legacy-developer-product:manage", "legacy-game-pass:manage",
		"legacy-group:manage", "legacy-team-collaboration:manage", "legacy-universe.badge:manage-and-spend-robux",
		"legacy-universe.badge:write", "legacy-universe.following:read", "legacy-universe.following:write",
		"legacy-universe:manage", "legacy-user:manage", "thumbnail:read",
		"universe.event:read", "universe.event:write", "universe.place:write", "universe.secret:read", "universe.secret:write",
		"universe.subscription-product.subscription:read", "universe.thumbnail:read", "universe.thumbnail:write",
		"universe.user-restriction:read", "universe.user-restriction:write",
		"user.inventory-item:read", "user.user-notification:write":
		what, action, _ := strings.Cut(scope, ":")
		what = strings.NewReplacer("-", " ", ".", " ").Replace(what)
		return strings.ToUpper(action[:1]) + strings.ReplaceAll(action[1:], "-", " ") + ": " + what, true
	default:
		return "", false
	}
}

// asksForCreations reports whether a scope is about more than who somebody is,
// so that experiences and communities are to be chosen.
func asksForCreations(scope string) bool {
	for s := range strings.FieldsSeq(scope) {
		if s != "openid" && s != "profile" {
			return true
		}
	}
	return false
}
