// Package bootclock is the clock of stores that one machine's processes share:
// the time since boot. It runs on in suspend, nobody can set it, and all
// processes read the same; with every boot it begins anew.
package bootclock

import "time"

// start is where Now begins.
func start() time.Time { return time.Unix(0, 0).UTC() }

// Since carries a time that was read from the clock of boot over to the clock
// of boot current: whatever it stands for was over when the machine came up
// again.
func Since(t time.Time, boot, current string) time.Time {
	if boot == current || t.IsZero() {
		return t
	}
	return start()
}
