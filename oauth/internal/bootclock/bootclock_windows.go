package bootclock

import (
	"encoding/hex"
	"strconv"
	"time"

	"golang.org/x/sys/windows"
	"golang.org/x/sys/windows/registry"
)

// Now is the time since boot, sleep included, as if the machine had been
// started at the Unix epoch. Nobody can set it.
func Now() time.Time {
	return start().Add(windows.DurationSinceBoot())
}

// ID is the number of times that Windows has been started or, where it does
// not count, when it was last shut down.
func ID() (string, error) {
	const control = `SYSTEM\CurrentControlSet\Control\`
	id, err := readKey(control+`Session Manager\Memory Management\PrefetchParameters`, func(k registry.Key) (string, error) {
		n, _, err := k.GetIntegerValue("BootId")
		return strconv.FormatUint(n, 10), err
	})
	if err == nil {
		return id, nil
	}
	return readKey(control+"Windows", func(k registry.Key) (string, error) {
		b, _, err := k.GetBinaryValue("ShutdownTime")
		return hex.EncodeToString(b), err
	})
}

func readKey(path string, read func(registry.Key) (string, error)) (string, error) {
	key, err := registry.OpenKey(registry.LOCAL_MACHINE, path, registry.QUERY_VALUE)
	if err != nil {
		return "", err
	}
	defer key.Close()
	return read(key)
}
