// Package mocks has a stand-in for every family's client, for tests.
//
// A stand-in such as [Users] is a struct of funcs, one per method, and satisfies
// the family's API interface:
//
//	fake := &mocks.Users{GetUserFunc: func(ctx context.Context, userID string) (*users.User, error) {
//		return &users.User{ID: userID}, nil
//	}}
//
// Code that takes a users.API gets fake itself. Code that takes a client gets
// users.New(fake.Client()): the real client then encodes each call, a
// [github.com/jarcoal/httpmock] transport hands it to the same funcs, and what
// they return comes back as a response of Roblox's, errors included.
//
// Code that takes an api.Client gets one with the families that it calls:
//
//	&api.Client{Users: users.New(fakeUsers.Client()), Groups: groups.New(fakeGroups.Client())}
//
// [NewScript] is for tests that care about the responses themselves. For a whole
// Roblox that remembers what it is told, see package emulatortest.
package mocks
