// Package opencloud is the runtime beneath the clients of Roblox's Open Cloud:
// what all families share. A program makes one [Client] and passes it to
// package api, which has a field per family, or to a family's own New.
package opencloud

// The clients come from openapi/*.yaml. A newer document of Roblox's comes in
// by "go run ./cmd/rblxgen import FILE" first.
//go:generate go run ./cmd/rblxgen generate
