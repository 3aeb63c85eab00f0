package emulator

import (
	"sync/atomic"
	"time"
)

// clock is the real time plus all that Advance added.
type clock struct{ ahead atomic.Int64 }

func (c *clock) now() time.Time { return time.Now().Add(time.Duration(c.ahead.Load())) }

// Advance moves the emulator's clock forward by d, or back if d is negative:
// tokens, codes and sign-ins in progress age by that much at once.
// The program under test keeps its own clock, and takes an access token for live
// that has expired here; package emulatortest says how time passes for both.
func (e *Emulator) Advance(d time.Duration) { e.clock.ahead.Add(int64(d)) }

// Now is the emulator's time.
func (e *Emulator) Now() time.Time { return e.clock.now() }
