package main

import (
	"net"
	"os"
	"strings"
)

// checkListen refuses to open an unprotected server to others than this
// machine unless that was said aloud.
func checkListen(addr string, token, insecure bool) error {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return usage("--listen %s: want host:port, such as 127.0.0.1:8433", addr)
	}
	if token || insecure || isLoopback(host) {
		return nil
	}
	return usage("--listen %s is reachable from other machines and asks for no token: give --auth-token-file, or say --insecure", addr)
}

func isLoopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

// maxTokenBytes bounds a token file: a larger one is another file by mistake.
const maxTokenBytes = 4096

// readToken reads a token from a file; space around it does not count.
func readToken(path string) (string, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	token := strings.TrimSpace(string(b))
	if token == "" || len(token) > maxTokenBytes || strings.ContainsAny(token, "\r\n") {
		return "", &usageError{"token file " + path + ": want one line of 1 to 4096 characters"}
	}
	return token, nil
}
