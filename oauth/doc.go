// Package oauth signs users in with Roblox and keeps their authorizations
// usable for as long as Roblox allows.
//
// [New] makes an [App] from a [Config]. Its [App.LoginHandler] sends a browser
// to Roblox, its [App.CallbackHandler] receives it back: state, nonce, PKCE,
// the browser's cookie and the ID token are checked, and what remains is a
// [Login] with a [GrantID]. From then on [App.Grant] is the user's
// authorization, in any process that shares the [Store]: [Grant.Client] is an
// http.Client, and a Grant is a credential for opencloud's Client.As.
//
// # Rotation
//
// Roblox's access tokens live 15 minutes. Its refresh tokens work once: each
// refresh brings the next, and whoever presents one twice, or loses the answer,
// may have logged the user out. So
//
//   - one refresh of a grant is under way in a process, whoever waits for it,
//     and no caller's context can end it;
//   - before anything is sent the store holds an [Intent], written by
//     compare-and-swap, that keeps every other process from sending;
//   - nothing is sent if the store cannot take the intent, and nothing after
//     the intent's deadline;
//   - an answer is committed before anybody uses it, whatever else is wrong
//     with it, and however late it comes;
//   - after a lost answer the same refresh token is presented again only when
//     an answer can no longer come and the access token is used up;
//   - a grant that is lost is recorded with its true reason.
//
// Two losses no client can prevent: the process dies, or the network loses the
// answer, between Roblox's rotation and our commit. Both are recorded as
// [ReasonLostInFlight].
//
// # At rest
//
// With [Config.Sealer] the store gets tokens encrypted, each row bound to its
// client id, grant and generation: who can read the store learns no token, and
// who can write to it can put no token in another's place, only take grants
// away or bring old ones back. Subject, state and times stay readable, since
// stores search by them. A row whose key is not at hand ([ErrUnknownKey]), or
// that is not sealed ([ErrUnsealed]), is left as it is. With
// [Config.FlowsInCookies] sign-ins under way travel in cookies sealed likewise.
//
// # Many users
//
// A [Grant] is a handle: make one a request, or keep it. What a process knows
// of grants is bounded in bytes ([Config].CacheBytes), not in users, and there
// is no timer or goroutine a user. What other processes do to a grant is heard
// of within half a minute, at once where the store is a [Watcher]; while the
// store is away, live access tokens go on serving. [App.Client] is one
// http.Client for all users, with the grant in the context ([WithGrant]).
// [App.Keep] renews grants that nobody uses before they expire; [App.Grants],
// [App.Erase] and [App.Purge] list them, forget a user, and tidy up.
//
// # Errors
//
// Callers of a grant get [ErrNeedsReauth] when the user has to sign in again,
// whether the grant is lost (a [ReauthError] says why), [ErrRevoked], or purged
// or erased ([ErrNoGrant]), and until the cause has gone [ErrInDoubt],
// [ErrStoreUnavailable] or a [ProviderError]; sign-ins fail with a
// [CallbackError]. No error holds a secret.
package oauth
