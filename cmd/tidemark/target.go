package main

import (
	"errors"
	"fmt"
	"os"

	"tidemark/storage"
)

// defaultServer is where a server listens by default.
const defaultServer = "http://127.0.0.1:8433"

// target are the flags that say where data is: at a server or in a folder.
type target struct {
	Server    string `help:"The server's URL; by default that of $TIDEMARK_SERVER, of the configuration file, or ${defaultServer}." placeholder:"URL" xor:"where"`
	Data      string `help:"A folder to open instead of asking a server; no other process may have it open." placeholder:"DIR" xor:"where"`
	TokenFile string `help:"File with the server's token; $TIDEMARK_TOKEN_FILE does the same, and $TIDEMARK_TOKEN is the token itself." placeholder:"FILE"`
	TLSCA     string `name:"tls-ca" help:"PEM file of the certificate authority (or the certificate itself) that the server's certificate is checked with." placeholder:"FILE"`
}

// openFolder opens a store that exists.
func (t *target) openFolder(opts storage.Options, create bool) (*storage.DB, error) {
	if !create {
		switch list, err := os.ReadDir(t.Data); {
		case errors.Is(err, os.ErrNotExist) || err == nil && len(list) == 0:
			return nil, fmt.Errorf("%s holds no store", t.Data)
		case err != nil:
			return nil, err
		}
	}
	db, err := storage.Open(t.Data, opts)
	if errors.Is(err, storage.ErrLocked) {
		return nil, fmt.Errorf("%w; if a server has it open, ask that: --server URL", err)
	}
	return db, err
}
