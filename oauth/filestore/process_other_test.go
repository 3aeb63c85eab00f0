//go:build !linux

package filestore

func systemTasks() map[string]func(*Store, []string) error { return nil }
