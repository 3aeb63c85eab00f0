package bootclock

import (
	"time"

	"golang.org/x/sys/unix"
)

// Now is the time since boot, sleep included, as if the machine had been
// started at the Unix epoch. Nobody can set it.
func Now() time.Time {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC_RAW, &ts); err != nil {
		panic(err) // every macOS that Go supports has it
	}
	return time.Unix(ts.Unix()).UTC()
}

// ID is another one after every boot.
func ID() (string, error) { return unix.Sysctl("kern.bootsessionuuid") }
