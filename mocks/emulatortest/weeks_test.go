package emulatortest_test

import (
	"testing"
	"testing/synctest"
)

// What the example shows is so.
func TestAWeek(t *testing.T) {
	t.Parallel()
	synctest.Test(t, aWeek)
}
