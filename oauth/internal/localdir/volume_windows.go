package localdir

import (
	"errors"

	"golang.org/x/sys/windows"
)

// checkLocal refuses network drives and shares.
func checkLocal(dir string) error {
	path, err := windows.UTF16PtrFromString(dir)
	if err != nil {
		return err
	}
	volume := make([]uint16, windows.MAX_LONG_PATH)
	if err := windows.GetVolumePathName(path, &volume[0], uint32(len(volume))); err != nil {
		return err
	}
	if windows.GetDriveType(&volume[0]) == windows.DRIVE_REMOTE {
		return errors.New("it is on a network drive")
	}
	return nil
}
