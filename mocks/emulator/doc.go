// Package emulator is a Roblox to test against: the OAuth 2.0 endpoints and a
// part of Open Cloud behind one [http.Handler], strict where a careless client
// loses its authorization.
//
// Refresh tokens work once. What happens to one that is presented again is
// [Options.RefreshReuse]. Tokens are real: access and ID tokens are ES256
// JSON Web Tokens with Roblox's claims, refresh tokens are opaque JWEs of about
// a kilobyte. What was handed out can be aged with [Emulator.Advance], any
// endpoint can be made to misbehave with [Emulator.Fault], and everything that
// arrived can be read back with [Emulator.Log].
//
// # What is there
//
// The OAuth endpoints stand under /oauth/ as they do at Roblox; Open Cloud
// answers for users, groups, universes, places, messaging, assets and data
// stores, ordered ones too, from state kept in memory. [Emulator.Assets],
// [Emulator.Place] and [Emulator.Messages] show what a program has uploaded and
// published. To any other operation it says 501, not 404: package mocks has a
// stand-in for each.
//
// Three accounts can sign in: 156 (Juniper, who owns two experiences and the
// group 7001), 257 (Marlow, an experience and the group 7002) and 358 (Sable,
// who owns nothing and has no picture). Any number of data stores can be written
// in the experiences 8801 to 8805; the place of 8801 is 88011, and so on.
//
// # From other languages
//
// Over a port, "rblx emulator" can be steered by tests in any language on the
// same machine: POST /emulator/advance takes {"by": "15m"}, POST
// /emulator/faults a list such as [{"endpoint": "token", "kind": "drop",
// "after": true, "delay": "1s"}] and DELETE clears it, GET /emulator/log
// answers with the log.
//
// # Where Roblox is not known
//
// Roblox's documents leave a few things open. The emulator takes the harsh
// reading and makes the others a switch: a reused refresh token revokes the
// whole grant; each refresh starts the refresh token's lifetime anew; a
// revoked access token is refused by the APIs at once, while introspection
// keeps calling it active until it expires, as Roblox's documents say
// ([Options.IntrospectRevoked] makes it say so at once). An upload is an asset,
// approved, when its operation is first asked for; rolling an asset back makes
// the old content its newest version.
//
// An Emulator is no place for real secrets or real users.
package emulator
