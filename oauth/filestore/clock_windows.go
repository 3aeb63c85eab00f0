package filestore

import (
	"strconv"
	"time"

	"golang.org/x/sys/windows"
	"golang.org/x/sys/windows/registry"
)

// bootNow is the time since boot, sleep included, as if the machine had been
// started at the Unix epoch. Nobody can set it.
func bootNow() time.Time {
	return time.Unix(0, 0).Add(windows.DurationSinceBoot()).UTC()
}

// bootID is the number of times that Windows has been started.
func bootID() (string, error) {
	key, err := registry.OpenKey(registry.LOCAL_MACHINE,
		`SYSTEM\CurrentControlSet\Control\Session Manager\Memory Management\PrefetchParameters`, registry.QUERY_VALUE)
	if err != nil {
		return "", err
	}
	defer key.Close()
	n, _, err := key.GetIntegerValue("BootId")
	return strconv.FormatUint(n, 10), err
}
