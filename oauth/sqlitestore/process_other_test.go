//go:build !linux

package sqlitestore

func systemTasks() map[string]func(*Store, []string) error { return nil }
