// Pause holds the namespaces of a pod: it waits, reaps the orphans that a shared process namespace leaves to it, and
// ends when it is told to.
package main

import (
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
)

func main() {
	// kubeadm asks a pod of it for its version before an upgrade, to see that pods run at all.
	if len(os.Args) > 1 && os.Args[1] == "-v" {
		os.Stdout.WriteString("pause 1.0.1\n")
		return
	}
	// One of these runs in every pod: it computes nothing, so it needs no heap to speak of.
	debug.SetGCPercent(10)
	signals := make(chan os.Signal, 64)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM, syscall.SIGCHLD)
	for received := range signals {
		if received != syscall.SIGCHLD {
			return
		}
		// One signal may stand for several children.
		for {
			pid, err := syscall.Wait4(-1, nil, syscall.WNOHANG, nil)
			if err == syscall.EINTR {
				continue
			}
			if err != nil || pid <= 0 {
				break
			}
		}
	}
}
