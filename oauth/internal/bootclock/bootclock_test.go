package bootclock

import (
	"testing"
	"time"
)

func TestClock(t *testing.T) {
	t.Parallel()
	id, err := ID()
	if again, _ := ID(); err != nil || id == "" || id != again {
		t.Errorf("this boot is %q (%v), then %q", id, err, again)
	}
	before := Now()
	for range 1000 {
		now := Now()
		if now.Before(before) || !now.After(start()) {
			t.Fatalf("%v after %v", now, before)
		}
		before = now
	}
}

func TestSince(t *testing.T) {
	t.Parallel()
	at := start().Add(time.Hour)
	for _, tt := range []struct {
		boot string
		at   time.Time
		want time.Time
	}{
		{"now", at, at},
		{"before", at, start()},
		{"before", time.Time{}, time.Time{}},
	} {
		if got := Since(tt.at, tt.boot, "now"); !got.Equal(tt.want) {
			t.Errorf("%v of boot %s: %v, want %v", tt.at, tt.boot, got, tt.want)
		}
	}
}
