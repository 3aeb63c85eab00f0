package oauth

import (
	"net"
	"time"

	"golang.org/x/sys/unix"
)

// giveUp bounds how long the kernel sends a request again that nobody
// acknowledges: it would go on after the process is gone.
func giveUp(conn *net.TCPConn, after time.Duration) error {
	raw, err := conn.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	err = raw.Control(func(fd uintptr) {
		failed = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(after.Milliseconds()))
	})
	if err != nil {
		return err
	}
	return failed
}
